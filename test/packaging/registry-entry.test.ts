import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { registryEntry } from '../../scripts/packaging/registry-entry.ts';
import { settingNames } from '../../src/client/settings-table.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (name: string) => JSON.parse(readFileSync(resolve(root, name), 'utf8'));

/** What the schema of 2025-12-11 and the official registry ask of a package of npm. Whatever is not here is not used. */
const Entry = z.strictObject({
  $schema: z.literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
  name: z
    .string()
    .min(3)
    .max(200)
    .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version: z.string().max(255).regex(/^\d/),
  packages: z
    .array(
      z.strictObject({
        registryType: z.literal('npm'),
        identifier: z.string(),
        version: z.string().min(1),
        runtimeHint: z.literal('npx'),
        transport: z.strictObject({ type: z.literal('stdio') }),
        packageArguments: z.array(z.strictObject({ type: z.literal('positional'), value: z.string() })),
        environmentVariables: z.array(
          z.strictObject({
            name: z.string(),
            description: z.string(),
            isSecret: z.literal(true).optional(),
            format: z.enum(['string', 'number', 'boolean', 'filepath']).optional(),
            choices: z.array(z.string()).optional(),
            default: z.string().optional(),
          }),
        ),
      }),
    )
    .length(1),
});

test('server.json follows package.json and the settings; "npm run registry-entry" makes it anew', () => {
  expect(read('server.json')).toEqual(registryEntry(read('package.json')));
});

test('it is as the schema of registries wants it', () => {
  const product = read('package.json');
  const entry = Entry.parse(read('server.json'));
  expect(entry.name).toBe(product.mcpName);
  expect(entry.packages[0]).toMatchObject({ identifier: product.name, version: product.version });
});

test('it names every setting of a server, and the keys as secrets', () => {
  const variables = Entry.parse(read('server.json')).packages[0]?.environmentVariables ?? [];
  expect(variables.map(({ name }) => name)).toEqual(settingNames.filter((name) => name !== 'SKYBACKUP_NO_INSTALL'));
  expect(variables.filter(({ isSecret }) => isSecret).map(({ name }) => name)).toEqual([
    'SKYSQL_API_KEY',
    'SKYBACKUP_API_KEY',
  ]);
  for (const { choices, default: value } of variables) if (choices && value) expect(choices).toContain(value);
});
