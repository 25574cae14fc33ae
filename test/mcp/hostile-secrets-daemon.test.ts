import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { RawClient } from './raw-client.ts';
import { newHome, serverCommand } from './server-command.ts';

const secret = 'plantedDaemonSecret/0123456789abcdef';
const password = 'planted-service-password';
const credentials = Buffer.from(
  `[default]\naws_access_key_id = AKIAPLANTED\naws_secret_access_key = ${secret}\nendpoint_url = http://127.0.0.1:9\n`,
).toString('base64');

let daemon: TestDaemon;
let elsewhere: { home: string; remove: () => Promise<void> };
const keys: Record<string, string> = {};

beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  elsewhere = await newHome();
  await daemon.api.daemon.registerService({ id: 'orders', control: { kind: 'managed' }, nightly: false });
  for (const role of ['administrator', 'requester', 'viewer'])
    keys[role] = (await daemon.api.daemon.createKey({ role })).key;
});
afterAll(async () => {
  await daemon.dispose();
  await elsewhere.remove();
});

it('keys, passwords and credentials that a daemon is given appear in no answer, log, audit or state', async () => {
  const planted = [...Object.values(keys), secret, password, credentials];
  let output = '';
  const admin = { 'x-api-key': keys.administrator ?? '' };
  const asked: [string, string, unknown?][] = [
    ['POST', '/skybackup/v1/storages', { name: 'spare', path: 'file:///nowhere/at/all', credentials }],
    ['POST', '/skybackup/v1/storages', { name: 'BAD NAME', path: 's3://x/y', credentials, secret }],
    [
      'POST',
      '/provisioning/v1/services',
      { id: 'spare', control: { kind: 'none' }, connection: { host: '127.0.0.1', port: 9, user: 'u', password } },
    ],
    [
      'POST',
      '/skybackup/v1/restores',
      {
        service_id: 'orders',
        id: '/b.sql',
        external_source: { bucket: 's3://b/', method: 'nonsense', credentials, encryption_key: password },
      },
    ],
    ['GET', `/skybackup/v1/backups/${encodeURIComponent(keys.viewer ?? '')}`],
    ['GET', '/skybackup/v1/keys'],
    ['GET', '/skybackup/v1/audit?page_size=1000'],
    ['DELETE', `/skybackup/v1/keys/${encodeURIComponent(keys.viewer ?? '')}`],
  ];
  for (const [method, path, body] of asked) {
    const { status, body: answer } = await daemon.request(method, path, body, admin);
    output += `${status} ${JSON.stringify(answer)}\n`;
  }

  for (const role of ['requester', 'viewer', 'administrator']) {
    const env = { SKYBACKUP_URL: daemon.url(), SKYBACKUP_API_KEY: keys[role] ?? '' };
    const client = await RawClient.start(serverCommand(elsewhere.home, env), 'modern', { elicitation: false });
    for (const [name, args] of [
      ['list_services', {}],
      ['list_storages', {}],
      ['check_backups', {}],
      ['create_backup', { service: 'orders', storage: keys[role]?.slice(0, 40) }],
      ['create_backup', { service: keys[role] }],
      ['stop_service', { service: 'orders' }],
      ['delete_schedule', { id: 999 }],
      ['set_retention', { service: 'orders', max_age: '1h' }],
    ] as const)
      await client.call(name, args);
    await client.close();
    output += client.lines.join('\n') + client.stderr;
  }
  output += readFileSync(join(elsewhere.home, 'audit.jsonl'), 'utf8');

  const keyFile = join(elsewhere.home, 'approver.key');
  writeFileSync(keyFile, keys.administrator ?? '', { mode: 0o600 });
  mkdirSync(join(elsewhere.home, 'nothing'));
  for (const command of [
    ['keys', 'list', '--json'],
    ['plans', 'list', '--json'],
    ['storages', 'list', '--json'],
    ['audit', '--json'],
    ['doctor'],
    ['approve', 'AAAA-AAAA', '--key-file', keyFile],
    ['approve', keys.requester ?? ''],
    ['services', 'lock', keys.requester ?? ''],
  ]) {
    const { stdout, stderr } = await runCli(command, { env: { SKYBACKUP_HOME: daemon.home.root } });
    output += stdout + stderr;
  }
  output += daemon.log();
  // Keys are kept as hashes, and what a plan or the audit says holds no secret.
  for (const name of ['state.db', 'state.db-wal']) output += readFileSync(join(daemon.home.root, name), 'latin1');

  expect(output.length).toBeGreaterThan(20_000);
  for (const each of planted) {
    for (const form of [each, encodeURIComponent(each)]) {
      const at = output.indexOf(form);
      expect(at < 0 ? '' : output.slice(Math.max(0, at - 200), at + form.length)).toBe('');
    }
  }
});
