import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientBlocks, type Launch } from './client-blocks.ts';

// Neither a path nor an argument nor a variable can hold a zero.
const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).map((text) => text.replaceAll('\0', '_'));

test('the JSON blocks hold exactly the program, its arguments and its settings, whatever the path', () => {
  fc.assert(
    fc.property(
      word,
      fc.array(word),
      fc.option(fc.dictionary(word, word), { nil: undefined }),
      (command, args, env) => {
        const launch: Launch = { command, args, ...(env === undefined ? {} : { env }) };
        const [desktop, , code, cursor] = clientBlocks(launch).map(({ text }) => text);
        const expected = JSON.parse(JSON.stringify(launch));
        expect(JSON.parse(desktop ?? '')).toEqual({ mcpServers: { skybackup: expected } });
        expect(JSON.parse(cursor ?? '')).toEqual({ mcpServers: { skybackup: expected } });
        expect(JSON.parse(code ?? '')).toEqual({ servers: { skybackup: { type: 'stdio', ...expected } } });
      },
    ),
  );
});

test('the command line for Claude Code is quoted for a shell', () => {
  const launch = { command: '/a b/node', args: ["/it's/x.js", 'mcp'], env: { SKYBACKUP_HOME: '/tmp/x' } };
  expect(clientBlocks(launch)[1]?.text).toBe(
    "claude mcp add skybackup --env SKYBACKUP_HOME=/tmp/x -- '/a b/node' '/it'\\''s/x.js' mcp",
  );
});
