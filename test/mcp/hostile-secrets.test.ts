import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeStorage } from '../../src/storages/storage-files.ts';
import { runCli } from '../cli/run-cli.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { ownBackup, printedBackupId } from '../doubles/cloud-state.ts';
import { RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const key = 'planted/cloud+key-0123456789==';
const bucketSecret = 'plantedBucketSecret/0123456789abcdefghij';
const credentials = Buffer.from(
  `[default]\naws_access_key_id = AKIAPLANTED\naws_secret_access_key = ${bucketSecret}\n`,
).toString('base64');

/** Everything that must appear nowhere: what we hold, and what only a server says. */
const planted: Record<string, string> = {
  'our key': key,
  'our key, percent-encoded': encodeURIComponent(key),
  'our key in base64': Buffer.from(key).toString('base64'),
  "a storage's credentials": credentials,
  'the secret in them': bucketSecret,
  'a bearer token of someone': 'eyJplantedBearerToken.abcdefghijklmnop',
  'a password': 'planted-password-hunter2',
  'a password in an address': 'plantedUrlPassword42',
  'a key of a daemon': 'skb_0123456789ab_plantedplantedplantedplantedplantedplantedpla',
  'an identity of age': 'AGE-SECRET-KEY-1PLANTEDPLANTEDPLANTEDPLANTEDPLANTEDPLANTED',
  'a private key': 'MIIEplantedPrivateKeyMaterial0123456789',
  'an SQL password': 'planted-sql-password',
};

/** What a server says that gives all of it away, in messages, headers it echoes, and names. */
const leaks = [
  `X-API-Key: ${key} was refused; x-api-key=${key}`,
  `GET /?key=${encodeURIComponent(key)} ${Buffer.from(key).toString('base64')}`,
  `hidden ${[...key].join('\u200b')} and ${[...bucketSecret].join('\u2060')}`,
  `Authorization: Bearer ${planted['a bearer token of someone']}`,
  `password=${planted['a password']} {"password":"${planted['a password']}"} mysql://u:${planted['a password in an address']}@h/`,
  `${credentials} decodes to ${bucketSecret}`,
  `${planted['a key of a daemon']} ${planted['an identity of age']}`,
  `-----BEGIN PRIVATE KEY-----\n${planted['a private key']}\n-----END PRIVATE KEY-----`,
  `CREATE USER x IDENTIFIED BY '${planted['an SQL password']}'`,
];

let cloud: CloudDouble;
let home: string;
let removeHome: () => Promise<void>;
let output: string;

beforeEach(async () => {
  output = '';
  cloud = await startCloudDouble({ advance: false, keys: [key] });
  ({ home, remove: removeHome } = await newHome());
  const added_at = '2026-11-25T00:00:00Z';
  writeStorage(
    { storages: join(home, 'storages') },
    { format: 1, name: 'prod', path: 's3://our/x', credentials, added_at },
  );
});
afterEach(async () => {
  await cloud.close();
  await removeHome();
});

const orders = 'dbtgf28044362';
const tour: [string, Record<string, unknown>][] = [
  ['list_services', {}],
  ['list_backups', {}],
  ['list_backups', { service: orders }],
  ['show_backup', { id: printedBackupId }],
  ['list_schedules', {}],
  ['list_restores', {}],
  ['list_storages', {}],
  ['check_backups', {}],
  ['check_backups', { service: orders }],
  ['create_backup', { service: orders }],
  ['create_backup', { service: key }],
  ['create_backup', { service: orders, storage: 'prod' }],
  ['create_backup', { service: orders, storage: credentials.slice(0, 40) }],
  ['create_schedule', { service: orders, cron: '0 3 * * *' }],
  ['create_schedule', { service: orders, cron: key }],
  ['update_schedule', { id: 200, suspended: true }],
  ['delete_schedule', { id: 200 }],
  ['restore_backup', { service: orders, backup: printedBackupId }],
  ['restore_backup', { service: orders, backup: key }],
  ['stop_service', { service: orders }],
  ['start_service', { service: orders }],
  ['wait_for', { kind: 'restore', id: 13, timeout: 0 }],
  ['wait_for', { kind: 'backup', id: 200, timeout: 0 }],
];
const commands = [
  ['services', 'list'],
  ['health'],
  ['storages', 'list'],
  ['storages', 'list', '--json'],
  ['plans', 'list', '--json'],
  ['doctor'],
  ['audit'],
  ['call', 'list_services', '{}', '--json'],
  ['call', 'delete_schedule', '{"id":200}'],
  ['approve', key],
];

/** All tools, resources, prompts and commands; everything that any of them lets out. */
async function walk(env: Record<string, string>): Promise<void> {
  const client = await RawClient.start(serverCommand(home, env), 'modern', { elicitation: true });
  try {
    const listed = await Promise.all(
      ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'].map(
        (each) => client.request(each).answer,
      ),
    );
    const resources = listed.flatMap(({ result }) => (result?.resources ?? []) as { uri: string }[]);
    for (const [name, args] of tour) await client.call(name, args);
    for (const { uri } of resources) await client.request('resources/read', { uri }).answer;
    await client.request('resources/read', { uri: `skybackup://backups/${orders}` }).answer;
    await client.request('resources/read', { uri: `skybackup://backups/${encodeURIComponent(key)}` }).answer;
  } finally {
    await client.close();
  }
  output += client.lines.join('\n') + client.stderr;
  for (const command of commands) {
    const { stdout, stderr } = await runCli(command, { env: { SKYBACKUP_HOME: home, ...env } });
    output += stdout + stderr;
  }
  // What is written down, but for the file that is there to hold the credentials.
  for (const name of readdirSync(home).filter((each) => each !== 'storages' && each !== 'key'))
    output += readFileSync(join(home, name), 'latin1');
}

function expectNoSecret(): void {
  expect(output.length).toBeGreaterThan(5000);
  // As it would be read, too: nothing invisible between the letters, JSON's escapes undone.
  const visible = output.replaceAll('\\/', '/').replace(/[\p{Cf}]|\\u200b|\\u2060/gu, '');
  for (const [what, secret] of Object.entries(planted)) {
    for (const text of [output, visible]) {
      const at = text.indexOf(secret);
      expect(at < 0 ? '' : text.slice(Math.max(0, at - 150), at + secret.length), what).toBe('');
    }
  }
}

describe('secrets that were planted in settings, storages, names and answers appear nowhere', () => {
  it('where everything goes well', async () => {
    const text = leaks.join(' · ');
    cloud.state.backups.push(ownBackup(orders));
    leaks.forEach((leak, i) => {
      const [service] = cloud.state.services;
      if (service) cloud.state.services.push({ ...service, id: `dbtgf9${i}`, name: leak, version: leak, region: leak });
      const backup = ownBackup(orders, i + 10);
      cloud.state.backups.push({ ...backup, status: `Failed ${leak}`, server_pod: leak });
      cloud.state.backups.push({ ...backup, id: `${'c'.repeat(31)}${i}:${orders}:${leak}`, type: leak });
    });
    for (const schedule of cloud.state.schedules) schedule.message = text;
    for (const restore of cloud.state.restores) Object.assign(restore, { message: text, bucket: text });
    await walk(cloudEnvironment(cloud));
    expectNoSecret();
  });

  it.each(['400 with the words', '403 with the words', 'a web page', 'no JSON at all'])(
    'where everything is answered by %s',
    async (kind) => {
      const message = leaks.join(' · ');
      const page = `<html><head><title>${leaks[0]} ${bucketSecret}</title></head><body>${message}</body></html>`;
      const fault = {
        '400 with the words': { status: 400, error: key, message },
        '403 with the words': { status: 403, error: 'forbidden', message },
        'a web page': { status: 404, body: page },
        'no JSON at all': { status: 200, body: `${bucketSecret} ${message}` },
      }[kind];
      cloud.fault({ ...fault, times: 10_000 });
      await walk(cloudEnvironment(cloud));
      expectNoSecret();
    },
  );

  it('where the key comes from a file, and the settings are wrong', async () => {
    writeFileSync(join(home, 'key'), key, { mode: 0o644 });
    const env = { SKYSQL_API_KEY_FILE: join(home, 'key'), SKYSQL_API_URL: cloud.url };
    await walk(env);
    for (const wrong of [
      { ...env, SKYSQL_API_KEY: key },
      { ...env, SKYSQL_API_URL: key },
      { ...env, SKYBACKUP_CONFIRM: key },
      { ...env, SKYBACKUP_SERVICES: key },
      { ...env, SKYSQL_ORG: `${key} x` },
      { SKYSQL_API_KEY: `${key} with a blank`, SKYSQL_API_URL: cloud.url },
    ]) {
      const { stdout, stderr, code } = await runCli(['services', 'list'], { env: { SKYBACKUP_HOME: home, ...wrong } });
      expect(code, JSON.stringify(wrong)).not.toBe(0);
      output += stdout + stderr;
    }
    expectNoSecret();
  });
});
