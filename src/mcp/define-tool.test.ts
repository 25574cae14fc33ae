import { expect, it } from 'vitest';
import { z } from 'zod';
import type { GuardContext } from './context.ts';
import { defineTool } from './define-tool.ts';

const tool = defineTool({
  name: 'some_tool',
  operation: 'read',
  title: 'Some tool',
  description: 'Does it.',
  descriptionOf: { cloud: 'Slowly.', daemon: 'At once.' },
  daemonOnly: ['how'],
  cloudOnly: ['where'],
  inputOf: { cloud: { kind: z.enum(['near']) } },
  input: z.strictObject({
    what: z.string(),
    how: z.string().optional(),
    where: z.string().optional(),
    kind: z.enum(['near', 'far']),
  }),
  output: {},
  run: async () => ({ text: [], data: {} }),
});

it.each([
  ['cloud', 'Does it. Slowly.', ['what', 'where', 'kind'], ['near']],
  ['daemon', 'Does it. At once.', ['what', 'how', 'kind'], ['near', 'far']],
])('with a %s says and takes what is true there', (kind, description, names, kinds) => {
  type Listed = {
    description: string;
    inputSchema: { '~standard': { jsonSchema: { input(): { properties: Record<string, { enum?: string[] }> } } } };
  };
  const listed: Listed[] = [];
  const server = { registerTool: (_name: string, definition: Listed) => listed.push(definition) };
  const context = { api: { provider: { kind } }, settings: { confirm: 'ask' } };
  tool.register(server as never, context as unknown as GuardContext);
  expect(listed[0]?.description).toBe(description);
  const properties = listed[0]?.inputSchema['~standard'].jsonSchema.input().properties ?? {};
  expect(Object.keys(properties)).toEqual(names);
  expect(properties.kind?.enum).toEqual(kinds);
});
