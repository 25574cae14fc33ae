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
  input: z.strictObject({ what: z.string(), how: z.string().optional() }),
  output: {},
  run: async () => ({ text: [], data: {} }),
});

it.each([
  ['cloud', 'Does it. Slowly.', ['what']],
  ['daemon', 'Does it. At once.', ['what', 'how']],
])('with a %s says and takes what is true there', (kind, description, names) => {
  type Listed = {
    description: string;
    inputSchema: { '~standard': { jsonSchema: { input(): { properties: object } } } };
  };
  const listed: Listed[] = [];
  const server = { registerTool: (_name: string, definition: Listed) => listed.push(definition) };
  const context = { api: { provider: { kind } }, settings: { confirm: 'ask' } };
  tool.register(server as never, context as unknown as GuardContext);
  expect(listed[0]?.description).toBe(description);
  expect(Object.keys(listed[0]?.inputSchema['~standard'].jsonSchema.input().properties ?? {})).toEqual(names);
});
