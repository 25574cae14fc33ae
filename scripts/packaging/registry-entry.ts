import type { SettingRow } from '../../src/client/settings-table.ts';
import { type Product, serverSettings } from './manifest.ts';

/** server.json: how a registry of MCP servers describes the package, from package.json and the table of settings. */
export function registryEntry({ name, version, mcpName }: Product & { mcpName: string }) {
  return {
    $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
    name: mcpName,
    title: 'MariaDB backups',
    description: 'Back up, schedule, inspect and restore MariaDB: SkySQL / MariaDB Cloud or your own servers.',
    version,
    packages: [
      {
        registryType: 'npm',
        identifier: name,
        version,
        runtimeHint: 'npx',
        transport: { type: 'stdio' },
        packageArguments: [{ type: 'positional', value: 'mcp' }],
        environmentVariables: serverSettings.flatMap(variablesOf),
      },
    ],
  };
}

interface Variable {
  name: string;
  description: string;
  isSecret?: true;
  format?: 'boolean' | 'filepath';
  choices?: readonly string[];
  default?: string;
}

const formats = { switch: 'boolean', folder: 'filepath' } as const;

function variablesOf({ name, effect, values, file, form, guard, default: value }: SettingRow): Variable[] {
  const variable: Variable = {
    name,
    description: `${effect} (${values})`,
    ...(file ? { isSecret: true } : {}),
    ...(typeof form === 'string' ? { format: formats[form] } : {}),
    ...(Array.isArray(form) ? { choices: form } : {}),
    // What else the table has there is words, and no value.
    ...(guard ? { default: form === 'switch' ? String(value === '1') : value } : {}),
  };
  if (!file) return [variable];
  return [
    variable,
    { name: `${name}_FILE`, description: `the file that holds ${name} alone, instead of it`, format: 'filepath' },
  ];
}
