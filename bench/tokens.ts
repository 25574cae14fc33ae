// What a conversation pays for skybackup before anything is asked: tokens of the tools, the instructions and the other lists, for both providers.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverCommand } from '../test/mcp/server-command.ts';
import { countTokens, type TokenCounts } from '../test/mcp/token-counts.ts';

const home = mkdtempSync(join(tmpdir(), 'skb-tokens-'));
const row = (name: string, ...values: (number | string | undefined)[]): void =>
  console.log(`${name.padEnd(44)}${values.map((value) => String(value ?? '-').padStart(10)).join('')}`);

try {
  // No request is made: the key is nobody's.
  const cloud = await countTokens(serverCommand(home, { SKYSQL_API_KEY: 'a-key-of-nobody' }));
  const daemon = await countTokens(serverCommand(home));
  const both = (name: string, of: (counts: TokenCounts) => number | undefined): void =>
    row(name, of(cloud), of(daemon));
  row('tokens (GPT tokenizer)', 'cloud', 'daemon');
  for (const { name } of daemon.tools)
    both(`  ${name}`, ({ tools }) => tools.find((tool) => tool.name === name)?.tokens);
  both('all tools as a model sees them (≤ 3000)', ({ seen }) => seen);
  both('tools/list as it is sent (≤ 5500)', ({ list }) => list);
  both('instructions', ({ instructions }) => instructions);
  for (const method of Object.keys(daemon.others)) both(method, ({ others }) => others[method]);
} finally {
  rmSync(home, { recursive: true, force: true });
}
