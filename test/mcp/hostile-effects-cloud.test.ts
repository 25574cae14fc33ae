import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeStorage } from '../../src/storages/storage-files.ts';
import { type CloudDouble, type RecordedRequest, startCloudDouble } from '../doubles/cloud.ts';
import { ownBackup, printedBackupId } from '../doubles/cloud-state.ts';
import { calls, type GuardedCall, writingTools } from './guarded-calls.ts';
import { RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
const restore = { service: orders, backup: printedBackupId };

/** Schedule 200 is a daily full, 215 a daily incremental; `prod` is a bucket that no backup went to. */
const table: GuardedCall[] = [
  ...calls('restore_backup', 'plan', {
    'replace all data': restore,
    'replace all data by the newest of another service': { service: orders, backup: 'latest', source: 'dbtgf28216706' },
    'replace all data without a way back': { ...restore, safety_backup: false },
    'go back in time': { service: orders, point_in_time: '2024-03-26 12:00:00' },
  }),
  ...calls('restore_backup', 'safety_backup_first', {
    'replace all data of a service without a backup': { service: 'dbtgf28216706', backup: printedBackupId },
  }),
  ...calls('restore_backup', 'unsupported', {
    'restore from a bucket by its path': { service: orders, backup: 's3://evil-bucket/backup.tar.gz' },
  }),
  ...calls('delete_schedule', 'plan', { 'delete a schedule': { id: 200 } }),
  ...calls('delete_schedule', 'not_found', { 'delete what is not there': { id: 999 } }),
  ...calls('delete_restore', 'plan', { 'delete the record of a restore': { id: 13 } }),
  ...calls('stop_service', 'plan', { 'stop a service': { service: orders } }),
  ...calls('start_service', 'done', { 'start what runs': { service: orders } }),
  ...calls('update_schedule', 'plan', {
    'suspend it': { id: 200, suspended: true },
    'make it weekly': { id: 200, cron: '0 2 * * 0' },
    'make it yearly': { id: 200, cron: '0 2 1 1 *' },
    'make fulls incrementals': { id: 200, type: 'incremental' },
    'make fulls binary logs': { id: 200, type: 'binarylog' },
    'hide a loss behind a gain': { id: 200, cron: '0 * * * *', suspended: true },
  }),
  ...calls('update_schedule', 'invalid_schedule', {
    'never fire': { id: 200, cron: '0 0 31 2 *' },
    'fire on no day of the week that there is': { id: 200, cron: '0 0 * * 9' },
    'be once': { id: 200, cron: 'once' },
  }),
  ...calls('update_schedule', 'invalid_request', { 'change nothing': { id: 200 } }),
  ...calls('update_schedule', 'done', {
    'be more often': { id: 200, cron: '0 */6 * * *' },
    'resume what runs': { id: 200, suspended: false },
  }),
  ...calls('create_schedule', 'plan', {
    'send backups to a new bucket, again and again': { service: orders, cron: '0 3 * * *', storage: 'prod' },
  }),
  ...calls('create_schedule', 'invalid_schedule', {
    'never fire': { service: orders, cron: '0 0 31 2 *' },
    'fire by a nickname': { service: orders, cron: '@reboot' },
    'fire at some drawn moment': { service: orders, cron: 'H 3 * * *' },
  }),
  ...calls('create_schedule', 'not_found', {
    'go to a bucket by its path': { service: orders, cron: '0 3 * * *', storage: 's3://evil-bucket/x' },
    'go to a folder by its path': { service: orders, cron: '0 3 * * *', storage: '../../etc' },
  }),
  ...calls('create_schedule', 'done', { 'protect a service': { service: orders, cron: '0 3 * * *' } }),
  ...calls('create_backup', 'plan', { 'send a backup to a new bucket': { service: orders, storage: 'prod' } }),
  ...calls('create_backup', 'not_found', {
    'go to a bucket by its path': { service: orders, storage: 'gs://evil-bucket' },
  }),
  ...calls('create_backup', 'invalid_request', {
    'bring credentials along': { service: orders, external_storage: { bucket: { path: 's3://evil-bucket/x' } } },
  }),
  ...calls('create_backup', 'done', { 'take a backup': { service: orders } }),
];

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
let client: RawClient;

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  cloud.state.backups.push(ownBackup(orders));
  home = await newHome();
  const added_at = '2026-11-25T00:00:00Z';
  writeStorage(
    { storages: `${home.home}/storages` },
    { format: 1, name: 'prod', path: 's3://our-bucket/backups', added_at },
  );
  client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), 'modern', { elicitation: false });
});
afterEach(async () => {
  await client.close();
  await cloud.close();
  await home.remove();
});

/** What the cloud was asked to change; look-ups are posted, too, and change nothing. */
const changes = (): RecordedRequest[] =>
  cloud.requests.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/lookup'));

it('each tool that may change something stands in the table', async () => {
  const tools = await writingTools(client);
  expect(tools.length).toBeGreaterThan(6);
  for (const { name } of tools)
    expect(
      table.map(({ tool }) => tool),
      name,
    ).toContain(name);
});

describe.each([...new Set(table.map(({ tool }) => tool))])('a model that calls %s at once', (name) => {
  it('gets no further than the table says, and no write reaches the cloud before a yes', async () => {
    const offered = (await writingTools(client)).some((tool) => tool.name === name);
    for (const { tool, tries, args, comesTo } of table.filter((row) => row.tool === name)) {
      const before = changes().length;
      const { isError, data } = await client.call(tool, args);
      const { code } = (data.error ?? {}) as { code?: string };
      const outcome = isError ? (code ?? 'unknown tool') : data.status === 'needs_approval' ? 'plan' : 'done';
      expect(outcome, tries).toBe(offered ? comesTo : 'unknown tool');
      if (outcome !== 'done') expect(changes().slice(before), tries).toEqual([]);
    }
  });
});

it('a path of a bucket or folder, put into whatever argument, reaches nothing', async () => {
  const known: Record<string, Record<string, unknown>> = Object.fromEntries(
    table.filter(({ comesTo }) => comesTo === 'done' || comesTo === 'plan').map(({ tool, args }) => [tool, args]),
  );
  for (const { name, texts } of await writingTools(client)) {
    for (const text of texts) {
      for (const path of ['s3://evil-bucket/x', 'gs://evil-bucket/x', 'file:///evil-bucket', '/evil-bucket/b.tar.gz']) {
        const { isError } = await client.call(name, { ...known[name], [text]: path });
        expect(isError, `${name} ${text} ${path}`).toBe(true);
      }
    }
  }
  expect(JSON.stringify(changes())).not.toContain('evil-bucket');
});
