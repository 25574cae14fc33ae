import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Backup, BackupType } from '../../../src/contract/backups.ts';
import type { Clock } from '../../../src/engine/clock.ts';
import { type Engine, startEngine } from '../../../src/engine/engine.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { type TestHome, temporaryHome } from '../../servers/managed.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { restoreByHand } from '../backup/restore-by-hand.ts';

const minute = 60_000;
const hour = 60 * minute;
const administrator = { principal: 'test', role: 'administrator' } as const;

/** Stands still until it is moved; then everything that was to happen meanwhile happens at once, as after a sleep. */
class MovedClock implements Clock {
  #now = Date.now();
  #timers = new Set<{ at: number; callback: () => void }>();

  now = (): number => this.#now;
  monotonic = (): number => this.#now;
  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  /** Resolves when as many timers wait again: what they started has ended then. */
  async move(ms: number): Promise<void> {
    // A pass that has nothing to remove reads nothing: one that was begun has ended after this.
    await new Promise(setImmediate);
    const waiting = this.#timers.size;
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
    await expect.poll(() => this.#timers.size).toBe(waiting);
  }
}

const clock = new MovedClock();
let home: TestHome;
let server: TestMariadbd;
let engine: Engine;
beforeAll(async () => {
  home = temporaryHome();
  [server, engine] = await Promise.all([
    startMariadbd({ seed: true }),
    startEngine({ home: home.home, startedBy: 'person', clock }),
  ]);
  const { connection, datadir } = server;
  await engine.services.register({ id: 'shop', connection, datadir, control: { kind: 'none' }, nightly: false });
  engine.begin();
});
afterAll(async () => {
  await engine.stop();
  await server.stop();
  await home.dispose();
});

async function take(backup_type: BackupType): Promise<Backup> {
  await server.sql(`USE shop; INSERT INTO customers (name, note) VALUES (UUID(), 'before a ${backup_type}');
    REPLACE INTO settings VALUES ('now', UUID()); REPLACE INTO legacy VALUES (1, UUID());`);
  const { job_id = 0 } = await engine.schedules.create(
    { backup_type, schedule: 'once', service_id: 'shop' },
    administrator,
  );
  await engine.jobs.ended(job_id);
  const job = engine.jobs.get(job_id);
  // Neither a missing parent nor a gap in the logs.
  expect([job.status, job.warnings]).toEqual(['Succeeded', undefined]);
  return engine.backups.get(job.backup_id ?? '');
}

const listed = (): string[] => engine.backups.list({ service_id: 'shop' }).items.map(({ id }) => id);
const folderOf = ({ id }: Backup): string => join(home.home.repository, 'v1', 'shop', id.split(':')[0] ?? '');
const onDisk = (): string[] => readdirSync(join(home.home.repository, 'v1', 'shop'));
const lastPass = () => engine.retention.get('shop', false).last_pass;

it('comes once a day, and an hour after it failed; a real chain and real logs that stay lead to this very moment', async () => {
  // Only the daily pass is to be seen here: while these are taken, everything is kept.
  await engine.retention.set('shop', {}, administrator);
  const first = [await take('full'), await take('incremental'), await take('binarylog'), await take('incremental')];
  const between = await take('binarylog');
  // Backups tell their moments in whole seconds.
  const second = Math.floor(Date.now() / 1000);
  await expect.poll(() => Math.floor(Date.now() / 1000)).toBeGreaterThan(second);
  const full = await take('full');
  const middle = await take('incremental');
  const logs = [await take('binarylog')];
  const newest = await take('incremental');
  const atNewest = await server.checksums();
  logs.push(await take('binarylog'));
  const now = await server.checksums();
  expect(now).not.toEqual(atNewest);
  await expect.poll(() => lastPass()?.message).toBe('Nothing had to go.');
  const stays = [full, middle, newest, ...logs];
  const goes = [...first, between];

  await engine.retention.set('shop', { keep_last: 1 }, administrator);
  const dry = engine.retention.get('shop', true).pass;
  expect(dry?.expires.map((each) => each.backup_id).sort()).toEqual(goes.map(({ id }) => id).sort());
  // What is to stay cannot be read when the day is over.
  const manifest = join(folderOf(newest), 'manifest.json');
  renameSync(manifest, `${manifest}.away`);
  await clock.move(23 * hour);
  expect(listed()).toHaveLength(stays.length + goes.length);
  expect(lastPass()).toMatchObject({ failed: false });
  await clock.move(hour + minute);
  expect(lastPass()).toMatchObject({ failed: true, message: expect.stringContaining(newest.id) });
  expect(onDisk()).toHaveLength(stays.length + goes.length);
  renameSync(`${manifest}.away`, manifest);
  await clock.move(50 * minute);
  expect(lastPass()).toMatchObject({ failed: true });
  expect(listed()).toHaveLength(stays.length + goes.length);
  await clock.move(11 * minute);
  expect(lastPass()).toMatchObject({
    failed: false,
    message: expect.stringContaining(`${goes.length} backups expired`),
  });
  expect(listed().sort()).toEqual(stays.map(({ id }) => id).sort());
  expect(onDisk().sort()).toEqual(stays.map(({ id }) => id.split(':')[0]).sort());
  const { at } = lastPass() ?? {};
  await clock.move(23 * hour);
  expect(lastPass()?.at).toBe(at);
  await clock.move(hour + minute);
  expect(lastPass()).toMatchObject({ failed: false, message: 'Nothing had to go.' });

  const repository = openRepository(localDirectory(home.home.repository));
  const read = async ({ id }: Backup) => (await repository.manifest('shop', id)) ?? expect.fail(id);
  const object = (each: Backup): string => join(folderOf(each), 'data.xbstream.zst');
  await using restored = await restoreByHand(object(full), await read(full), [object(middle), object(newest)]);
  expect(await checksums(restored.connection)).toEqual(atNewest);
  const names: string[] = [];
  for (const each of logs) {
    for (const { name, key } of (await read(each)).logs ?? []) {
      names.push(join(server.root, `archived-${name}`));
      await execa('zstd', ['-dq', join(home.home.repository, key), '-o', names.at(-1) ?? '']);
    }
  }
  await execa('bash', [
    '-o',
    'pipefail',
    '-c',
    `from=$1; client=$2; socket=$3; shift 3
     "$0" --no-defaults --verify-binlog-checksum --start-position="$from" "$@" | "$client" --no-defaults --socket="$socket" --user=root --binary-mode`,
    findTool('mariadb-binlog'),
    newest.binlog_gtid_position ?? '',
    findTool('mariadb'),
    restored.connection.socket ?? '',
    ...names,
  ]);
  expect(await checksums(restored.connection)).toEqual(now);

  // The next ones go on from what stayed.
  expect(await take('incremental')).toMatchObject({ reference_full_backup: full.id });
  await take('binarylog');
});
