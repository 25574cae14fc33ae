import { closeSync, fstatSync, openSync, readdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import type { TestMariadbd } from '../servers/mariadbd.ts';
import {
  backUp,
  importDump,
  imported,
  importGrants,
  register,
  remoteServer,
  tablesOf,
  targetServer,
} from './import-scene.ts';

let daemon: TestDaemon;
let source: TestMariadbd;
let target: TestMariadbd;
let dump: string;
let before: Record<string, number | null>;
/** The dump of the target that puts it back for the next fault. */
let own: string;

beforeAll(async () => {
  [daemon, source, target] = await Promise.all([startDaemon(), remoteServer(), targetServer()]);
  await target.sql(importGrants);
  await register(daemon, 'source', source);
  await register(daemon, 'target', target);
  dump = (await backUp(daemon, 'source')) ?? '';
  own = (await backUp(daemon, 'target')) ?? '';
  before = await tablesOf(target);
});
afterAll(() => Promise.all([daemon.dispose(), source.stop(), target.stop()]));

async function sabotaged(act: 'kill' | 'cancel', at: string): Promise<void> {
  await daemon.stop();
  daemon = await daemon.restart({ sabotage: { act, at } });
}

const newest = async () => {
  const { items } = await daemon.api.listRestores({ service_id: 'target', order: 'desc', page_size: 1 });
  if (items[0] === undefined) throw new Error('there is no restore');
  return items[0];
};

async function expectNothingLeft(pid: number): Promise<void> {
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`skybackup-work-${pid}-`))).toEqual([]);
  await expect.poll(() => target.sql("SELECT IS_USED_LOCK('skybackup_import')")).toBe('NULL');
  const { status } = await daemon.api.getService('target');
  expect(status).toBe('ready');
}

/** Restores the safety dump that the failed restore names. */
async function goBack(safety: string | undefined): Promise<void> {
  const { started } = await importDump(daemon, 'target', safety ?? own, { safety_dump: false });
  expect((await imported(daemon, started)).job.error).toBeUndefined();
  expect(await tablesOf(target)).toEqual(before);
}

it('a safety dump that fails: nothing is touched, and the restore says why; declined, the import goes on', async () => {
  await target.sql(
    'CREATE TABLE shop.torn (id INT PRIMARY KEY) ENGINE=InnoDB; ALTER TABLE shop.torn DISCARD TABLESPACE',
  );
  const { started } = await importDump(daemon, 'target', dump);
  const { restore } = await imported(daemon, started);
  expect(restore).toMatchObject({ status: 'Failed', import: 'untouched', message: expect.stringContaining('torn') });
  expect(restore.safety_backup_id).toBeUndefined();
  expect(await target.sql('SELECT note FROM shop.customers')).toBe('of before');

  const declined = await importDump(daemon, 'target', dump, { safety_dump: false });
  expect((await imported(daemon, declined.started)).restore).toMatchObject({ status: 'Succeeded', import: 'begun' });
  expect(await tablesOf(target)).toEqual(await tablesOf(source));
  await goBack(undefined);
});

it('a damaged block of the dump: noticed before anything is touched', async () => {
  const copy = (await backUp(daemon, 'source')) ?? '';
  const file = openSync(join(daemon.home.repository, 'v1', 'source', copy.split(':')[0] ?? '', 'data.sql.zst'), 'r+');
  writeSync(file, Buffer.from('damage'), 0, 6, fstatSync(file).size >> 1);
  closeSync(file);
  const { started } = await importDump(daemon, 'target', copy);
  const { job, restore } = await imported(daemon, started);
  expect(job.error?.code).toBe('backup_damaged');
  expect(restore).toMatchObject({ status: 'Failed', import: 'untouched' });
  expect(await tablesOf(target)).toEqual(before);
});

it.each(['reading', 'saving', 'checking'])(
  'killed while %s: nothing was touched, and the record says so',
  async (phase) => {
    await sabotaged('kill', `restore:${phase}`);
    const { pid } = daemon;
    await importDump(daemon, 'target', dump).catch(() => undefined);
    await daemon.exit;
    daemon = await daemon.restart();
    expect(await newest()).toMatchObject({
      status: 'Failed',
      import: 'untouched',
      message: expect.stringContaining('The target is as it was before.'),
    });
    expect(await tablesOf(target)).toEqual(before);
    await expectNothingLeft(pid);
  },
);

it.each(['dropping', 'importing', 'proving'])(
  'killed while %s: the record and the job say that the target is partly replaced, and name the way back, which works',
  async (phase) => {
    await sabotaged('kill', `restore:${phase}`);
    const { pid } = daemon;
    await importDump(daemon, 'target', dump).catch(() => undefined);
    await daemon.exit;
    daemon = await daemon.restart();
    const restore = await newest();
    const safety = restore.safety_backup_id ?? '';
    expect(restore).toMatchObject({ status: 'Failed', import: 'begun' });
    expect(restore.message).toContain('Service target is partly replaced');
    expect(restore.message).toContain(`in the safety dump ${safety}`);
    const job = await daemon.api.daemon.getJob(restore.job_id ?? 0);
    expect(job).toMatchObject({ status: 'Failed', error: { code: 'interrupted' } });
    expect(job.message).toContain(`(phase ${phase}). Service target is partly replaced`);
    expect(job.error?.hint).toContain(`restore ${safety} onto target`);
    await expectNothingLeft(pid);
    await goBack(safety);
  },
);

it('cancelled in the middle: said as it is, and the safety dump is the way back', async () => {
  await sabotaged('cancel', 'restore:importing');
  const { started } = await importDump(daemon, 'target', dump);
  const { job, restore } = await imported(daemon, started);
  expect(restore).toMatchObject({ status: 'Cancelled', import: 'begun', message: job.message });
  expect(restore.message).toMatch(
    /^The restore was cancelled in the middle of the import. Service target is partly replaced/,
  );
  await expectNothingLeft(daemon.pid);
  await goBack(restore.safety_backup_id);
});

it('cancelled before the first change: the target is as it was', async () => {
  await sabotaged('cancel', 'restore:saving');
  const { started } = await importDump(daemon, 'target', dump);
  expect((await imported(daemon, started)).restore).toMatchObject({
    status: 'Cancelled',
    import: 'untouched',
    message: 'The restore was cancelled. target is as it was before.',
  });
  expect(await tablesOf(target)).toEqual(before);
});

it('a daemon that is stopped in the middle leaves a restore that failed, not one that was cancelled', async () => {
  await daemon.stop();
  daemon = await daemon.restart();
  await source.sql(
    'CREATE TABLE shop.bulk (id INT AUTO_INCREMENT PRIMARY KEY, pad VARBINARY(1024)) ENGINE=InnoDB; INSERT INTO shop.bulk (pad) SELECT RANDOM_BYTES(1000) FROM shop.visits JOIN (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS thrice CROSS JOIN shop.prices LIMIT 20000',
  );
  const large = (await backUp(daemon, 'source')) ?? '';
  const { started } = await importDump(daemon, 'target', large);
  for (;;) {
    const { phase } = await daemon.api.daemon.getJob(started.job_id ?? 0);
    if (phase === 'importing') break;
    await delay(5);
  }
  await daemon.stop();
  daemon = await daemon.restart();
  const restore = await newest();
  expect(restore).toMatchObject({
    status: 'Failed',
    import: 'begun',
    message: expect.stringContaining('partly replaced'),
  });
  await goBack(restore.safety_backup_id);
});

it('a server that is killed in the middle: the restore says what is left, and a later one puts it right', async () => {
  const large =
    (await daemon.api.listBackups({ service_id: 'source', order: 'desc', page_size: 1 })).items[0]?.id ?? '';
  const { started } = await importDump(daemon, 'target', large);
  for (;;) {
    const { phase } = await daemon.api.daemon.getJob(started.job_id ?? 0);
    if (phase === 'importing') break;
    await delay(5);
  }
  await target.down(false);
  const { restore } = await imported(daemon, started);
  expect(restore).toMatchObject({
    status: 'Failed',
    import: 'begun',
    message: expect.stringContaining('partly replaced'),
  });
  await target.up();
  await goBack(restore.safety_backup_id);
});
