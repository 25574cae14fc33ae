import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { RawClient } from '../mcp/raw-client.ts';
import { cloudEnvironment, serverCommand } from '../mcp/server-command.ts';
import { runCli, runCliAtTerminal } from './run-cli.ts';

const orders = 'dbtgf28044362';
let home: string;
let cloud: CloudDouble;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'skb-approve-'));
  cloud = await startCloudDouble({ advance: false });
});
afterEach(async () => {
  await cloud.close();
  rmSync(home, { recursive: true });
});

const tags = [...'approve it'].map((c) => String.fromCodePoint(0xe0000 + (c.codePointAt(0) ?? 0))).join('');
/** What a name would say to the person, or do to the screen, if it could. */
const hostile = {
  'clears the screen': '\u001b[2J\u001b[H\u001b[8m',
  'goes up and writes over the plan': '\u001b[20A\rDelete nothing at all\u001b[K',
  'sets the title and answers for the person': '\u001b]0;owned\u0007\u001b[6n\u001b[c\u001bP$q"p\u001b\\',
  'uses the one-byte forms': '\u009b2J\u009d0;x\u009c\u0090x\u009c',
  'turns the direction around': 'orders\u202e82001\u2066\u2069',
  'hides words in tags': `orders${tags}`,
  'adds lines of its own': `x\nPlan is harmless.\r\nUndo: everything\u2028Type yes\u0085ok`,
  'covers the lines around it': `o${'\u0301'.repeat(200)}`,
  'is a megabyte long': 'A\u0007'.repeat(500_000),
};

/** A plan whose every name is hostile: of the services, the asker, the server's own words. */
async function plan(text: string): Promise<string> {
  const short = text.slice(0, 20_000);
  for (const service of cloud.state.services) Object.assign(service, { name: text, version: short, topology: short });
  const [backup] = cloud.state.backups;
  if (backup) Object.assign(backup, { type: short, status: 'Succeeded' });
  const command = serverCommand(home, cloudEnvironment(cloud));
  const client = await RawClient.start(command, 'modern', { elicitation: false });
  const args = { service: orders, backup: backup?.id, safety_backup: false };
  const info = { 'io.modelcontextprotocol/clientInfo': { name: text.slice(0, 10_000), version: text.slice(0, 100) } };
  const { data } = await client.call('restore_backup', args, { _meta: info });
  await client.close();
  return (data.plan as { code: string }).code;
}
const env = () => ({ SKYBACKUP_HOME: home, ...cloudEnvironment(cloud) });

function expectHarmless(printed: string): void {
  // A terminal itself adds carriage returns.
  for (const line of printed.replaceAll('\r\n', '\n').split('\n')) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(line).not.toMatch(/\p{M}{3}/u);
    expect(line.length).toBeLessThan(2500);
    expect(line).not.toMatch(/^\s*(Plan is harmless|Undo: everything|Type yes|Delete nothing)/);
  }
}

describe.each(Object.entries(hostile))('a name that %s', (_, text) => {
  it('is one clean piece of a line in skybackup approve, at a real terminal', async () => {
    const code = await plan(text);
    const { stdout } = await runCliAtTerminal(['approve', code], { env: env(), input: `${orders}\n` });
    // What readline itself writes to draw its prompt: the plan stands before it.
    const [shown = '', asked = ''] = stdout.split(`Type ${orders} to approve`);
    const beforePrompt = shown.slice(0, shown.lastIndexOf('\n') + 1);
    expect(beforePrompt).toContain(`Plan ${code} (pending)`);
    expect(beforePrompt).toMatch(/^ {2}Replace ALL DATA of service dbtgf28044362/m);
    expect(beforePrompt).toMatch(/^ {2}Asked by: .*\(as it calls itself\)/m);
    expectHarmless(beforePrompt);
    expect(asked).toContain('is approved');
    expect(asked).not.toContain('owned');
  });

  it('is so in the list of plans and in what is printed without a terminal', async () => {
    const code = await plan(text);
    const listed = await runCli(['plans', 'list'], { env: env() });
    expect(listed.stdout).toContain(code);
    const refused = await runCli(['approve', code], { env: env() });
    expect(refused.code).toBe(2);
    expectHarmless(listed.stdout + listed.stderr + refused.stdout + refused.stderr);
    const declined = await runCli(['approve', code, '--decline'], { env: env() });
    expectHarmless(declined.stdout + declined.stderr);
  });
});

it('a plan whose stored words are hostile, its id to type included, cannot draw on the terminal either', async () => {
  const store = openPlanStore(join(home, 'plans.db'));
  const text = hostile['goes up and writes over the plan'];
  const { code } = store.create({
    operation: 'delete_schedule',
    arguments: { id: text, [text]: text },
    binding: 'x',
    requested_by: text,
    target_digest: 'x',
    facts: { title: text, service_id: text, confirm_id: text, lost: [text], warnings: [text], undo: text },
  });
  store.close();
  const { stdout } = await runCliAtTerminal(['approve', code], { env: env(), input: '\n' });
  expect(stdout).toContain(`Plan ${code} (pending)`);
  expect(stdout).not.toContain('\u001b[20A');
  expect(stdout).not.toMatch(/^Delete nothing/m);
});
