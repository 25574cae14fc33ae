import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { ownBackup, printedBackupId } from '../doubles/cloud-state.ts';
import { type CliOptions, type CliOutcome, runCli, runCliAtTerminal } from './run-cli.ts';

const target = 'dbtgf28044362';
const restore = JSON.stringify({ service: target, backup: printedBackupId });
let home: string;
let cloud: CloudDouble;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'skb-cloud-'));
});
afterAll(() => rmSync(home, { recursive: true }));
beforeEach(async () => {
  cloud = await startCloudDouble();
  cloud.state.backups.push(ownBackup(target));
});
afterEach(() => cloud.close());

function env(): Record<string, string> {
  return { SKYBACKUP_HOME: home, SKYSQL_API_KEY: cloud.key, SKYSQL_API_URL: cloud.url };
}
const cli = (args: string[], options: CliOptions = {}): Promise<CliOutcome> => runCli(args, { env: env(), ...options });

function restoresAsked(): number {
  return cloud.requests.filter(({ method, path }) => method === 'POST' && path === '/skybackup/v1/restores').length;
}

/** Has the restore planned and returns the plan's code. */
async function plan(): Promise<string> {
  const { stdout } = await cli(['call', 'restore_backup', restore, '--json']);
  const code = /[A-Z0-9]{4}-[A-Z0-9]{4}/.exec(JSON.parse(stdout).approve_with)?.[0];
  if (code === undefined) throw new Error(`no code in ${stdout}`);
  return code;
}

test('services, for people and as JSON', async () => {
  const { code, stdout } = await cli(['services', 'list']);
  expect(code).toBe(0);
  expect(stdout.split('\n')[0]).toMatch(/^ID +NAME +STATUS/);
  expect(stdout).toMatch(/^dbtgf28044362 +orders +ready/m);
  const json = JSON.parse((await cli(['services', 'list', '--json'])).stdout);
  expect(json.services.map(({ id }: { id: string }) => id)).toContain('dbpgf17106534');
});

test('health raises the alarm by its exit code, and says why on the same screen', async () => {
  const { code, stdout } = await cli(['health']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^dbpgf17106534 +CRITICAL +never backed up/m);
  expect(stdout).toMatch(/^critical: dbpgf17106534 has no backup that could be restored/m);
  expect(stdout).toContain('  Next: ');
  const one = await cli(['health', 'dbtgf28216706', '--json']);
  expect(one.code).toBe(1);
  expect(JSON.parse(one.stdout)).toMatchObject({ verdict: 'critical', services: [{ service_id: 'dbtgf28216706' }] });
  expect(await cli(['health', 'nosuch'])).toMatchObject({ code: 1, stdout: '' });
});

test('a name that would repaint the terminal does not', async () => {
  const [service] = cloud.state.services;
  if (service) service.name = 'evil\u001b[2J\u202e\nname';
  const { stdout } = await cli(['services', 'list']);
  expect(stdout).toMatch(/^dbtgf28044362 +evil name +ready/m);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).not.toContain('\u202e');
});

test('a wrong key is told with the setting it came from, and never printed', async () => {
  const wrong = 'wrong-key-0123456789';
  const { code, stderr, stdout } = await cli(['services', 'list'], { env: { ...env(), SKYSQL_API_KEY: wrong } });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('SKYSQL_API_KEY');
  expect(stderr).not.toContain(wrong);
});

test('doctor reaches the cloud', async () => {
  expect((await cli(['doctor'])).stdout).toContain('accepts the key and shows 3 services');
  expect((await cli(['doctor'], { env: { ...env(), SKYSQL_API_KEY: 'wrong-key' } })).code).toBe(1);
});

describe('call', () => {
  test('prints the text, or the structured content', async () => {
    expect((await cli(['call', 'list_backups', '{}'])).stdout).toContain(printedBackupId);
    const { stdout } = await cli(['call', 'list_backups', '-', '--json'], { input: '{"service":"tx-filip-mdb-ms"}' });
    expect(JSON.stringify(JSON.parse(stdout))).toContain(printedBackupId);
  });

  test("a tool's error goes to stderr with exit code 1", async () => {
    const { code, stdout, stderr } = await cli(['call', 'list_backups', '{"service":"nosuch"}']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('nosuch');
  });

  test('an unknown tool is a usage error that names the tools', async () => {
    expect(await cli(['call', 'drop_everything'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('list_backups'),
    });
  });

  test('a destructive tool changes nothing: it prints the plan and how to approve it', async () => {
    const { code, stdout } = await cli(['call', 'restore_backup', restore]);
    expect(code).toBe(0);
    expect(stdout).toContain('NOTHING HAS BEEN CHANGED');
    expect(stdout).toMatch(/skybackup approve [A-Z0-9]{4}-[A-Z0-9]{4}/);
    expect(restoresAsked()).toBe(0);
  });
});

describe('approve', () => {
  test('without a terminal it shows the plan and refuses', async () => {
    const code = await plan();
    const outcome = await cli(['approve', code]);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain(`Replace ALL DATA of service ${target}`);
    expect(outcome.stderr).toContain('no terminal');
    expect((await cli(['plans', 'list'])).stdout).toMatch(new RegExp(`${code} +pending`));
  });

  test('the typed id approves, the repeated call carries it out, once', async () => {
    const code = await plan();
    expect(await cli(['approve', code, '--confirm', 'dbtgf28216706'])).toMatchObject({ code: 1, stdout: '' });
    const approved = await cli(['approve', code.toLowerCase(), '--confirm', target, '--json']);
    expect(approved.code).toBe(0);
    expect(JSON.parse(approved.stdout).plan).toMatchObject({ code, status: 'approved', approved_by: 'terminal' });
    expect(restoresAsked()).toBe(0);
    expect((await cli(['approve', code, '--confirm', target])).stderr).toContain('approved already');
    expect((await cli(['call', 'restore_backup', restore])).code).toBe(0);
    expect(restoresAsked()).toBe(1);
    expect((await cli(['approve', code, '--confirm', target])).code).toBe(1);
    expect(statSync(join(home, 'plans.db')).mode & 0o777).toBe(0o600);
  });

  test('at a terminal it asks for the id', async () => {
    const code = await plan();
    const wrong = await runCliAtTerminal(['approve', code], { env: env(), input: 'yes\r' });
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toContain(`Type ${target} to approve`);
    const enter = await runCliAtTerminal(['approve', code], { env: env(), input: '\r' });
    expect(enter.stdout).toContain('Nothing was approved');
    const right = await runCliAtTerminal(['approve', code], { env: env(), input: `${target}\r` });
    expect(right.code).toBe(0);
    expect(right.stdout).toContain(`Plan ${code} is approved`);
  });

  test('a declined plan cannot be approved any more', async () => {
    const code = await plan();
    expect((await cli(['approve', code, '--decline'])).code).toBe(0);
    expect((await cli(['approve', code, '--confirm', target])).stderr).toContain(`Plan ${code} is declined`);
  });

  test('an unknown code is told', async () => {
    expect(await cli(['approve', 'AAAA-AAAA'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no plan AAAA-AAAA'),
    });
  });
});

test.each([
  ['services', 'add', 'shop', '--managed'],
  ['services', 'forget', 'shop'],
  ['keys', 'list'],
  ['keys', 'create', '--role', 'viewer'],
])('%s %s is refused on the cloud by name', async (...args) => {
  expect(await cli(args)).toMatchObject({ code: 1, stderr: expect.stringContaining('the settings name the cloud') });
});
