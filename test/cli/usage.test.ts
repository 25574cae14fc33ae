import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from './run-cli.ts';

let folder: string;
let home: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-usage-'));
  home = join(folder, 'home');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('help and version are results, with exit code 0', async () => {
  const help = await runCli(['--help']);
  expect(help.code).toBe(0);
  for (const name of ['mcp', 'serve', 'services', 'keys', 'approve', 'call', 'doctor', 'demo'])
    expect(help.stdout).toContain(name);
  expect(await runCli(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
});

test.each([
  ['nothing at all', []],
  ['an unknown command', ['frobnicate']],
  ['an unknown option', ['services', 'list', '--frobnicate']],
  ['a missing argument', ['approve']],
  ['a surplus argument', ['services', 'list', 'surplus']],
  ['a missing role', ['keys', 'create']],
  ['a service that is reached in no way', ['services', 'add', 'shop']],
  ['managed and reached', ['services', 'add', 'shop', '--managed', '--host', 'db1']],
  ['half a pair of commands', ['services', 'add', 'shop', '--socket', 's', '--stop-command', 'x']],
  ['a port that is none', ['services', 'add', 'shop', '--host', 'db1', '--port', 'x']],
  ['an id that is none', ['services', 'add', 'Not An Id', '--managed']],
  ['arguments that are no JSON', ['call', 'list_services', '{']],
  ['an address that is none', ['serve', '--listen', 'nowhere']],
  ['idle minutes that are none', ['serve', '--idle-minutes', 'soon']],
  ['a rate that stops everything', ['serve', '--requests-per-minute', '0']],
  ['more files at once than are good', ['serve', '--parallel', '65']],
  ['an unknown starter', ['serve', '--started-by', 'nobody']],
])('%s is a usage error: exit code 2, said on stderr, nothing made', async (_, args) => {
  const { code, stdout, stderr } = await runCli(args, { env: { SKYBACKUP_HOME: home } });
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trim()).not.toBe('');
  expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
  expect(existsSync(home)).toBe(false);
});

test.each([['mcp'], ['services list'], ['serve'], ['call list_services'], ['plans list']])(
  '%s refuses a misspelt setting',
  async (command) => {
    const { code, stdout, stderr } = await runCli(command.split(' '), {
      env: { SKYBACKUP_HOME: home, SKYBACKUP_READONLY: '1' },
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'skybackup: SKYBACKUP_READONLY is not a setting of skybackup.\nDid you mean SKYBACKUP_READ_ONLY?\n',
    );
    expect(existsSync(home)).toBe(false);
  },
);

test('with --json an error is JSON on stdout too', async () => {
  const { code, stdout } = await runCli(['services', 'list', '--json'], { env: { SKYBACKUP_CONFIRM: 'never' } });
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: 'invalid_settings',
      message: 'SKYBACKUP_CONFIRM is "never", which is not allowed.',
      hint: 'Allowed: ask, strict, host.',
    },
  });
});

test('doctor tells bad settings as its finding', async () => {
  const { code, stdout } = await runCli(['doctor', '--json'], { env: { SKYBACKUP_CONFIRM: 'never' } });
  expect(code).toBe(1);
  expect(JSON.parse(stdout).findings).toContainEqual(
    expect.objectContaining({ check: 'settings', status: 'failed', mend: 'Allowed: ask, strict, host.' }),
  );
});

test('the MCP server starts, answers and ends without leaving a trace', async () => {
  const messages = [
    {
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    },
    { method: 'notifications/initialized' },
    { id: 2, method: 'tools/list' },
  ];
  const input = messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join('');
  const { code, stdout, stderr } = await runCli(['mcp'], { input, env: { SKYBACKUP_HOME: home } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(answers.find(({ id }) => id === 2).result.tools.length).toBeGreaterThan(5);
  expect(existsSync(home)).toBe(false);
});
