import { existsSync, lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMarker } from '../../../src/engine/managed/data-marker.ts';
import { managedLayout } from '../../../src/engine/managed/layout.ts';
import { managedStatus, startManagedServer, stopManagedServer } from '../../../src/engine/managed/managed-server.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { parseGtids } from '../../../src/engine/mariadb/gtid.ts';
import { identify, signalProcess, waitUntilGone } from '../../../src/engine/mariadb/process-identity.ts';
import { placeOf } from '../../../src/engine/restore/data-place.ts';
import { expireKeptData, listKeptData, removeKeptData } from '../../../src/engine/restore/kept-data.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { stagingOf } from '../../../src/engine/restore/staging.ts';
import { managedService } from '../../servers/managed.ts';
import { checksums } from '../../servers/mariadbd.ts';
import { sqlOn, takeSampleBackup, testJob } from './sample-backup.ts';
import { ask, makeScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await makeScene();
});
afterAll(() => scene.place.dispose());

test('brings every table back to the checksum it had, and keeps the old data with what an undo needs', async () => {
  const { place, target, backedUp } = scene;
  const layout = managedLayout(place.home, target.id);
  await scene.damage();
  const before = await managedStatus(place.home, target);
  const old = readMarker(layout.data)?.incarnation;
  const job = testJob();
  const wanted = scene.input();
  const outcome = await restoreBackup(wanted, job);

  expect(await checksums(target.connection)).toEqual(backedUp);
  expect(job.phases).toEqual(['checking', 'materialising', 'preparing', 'proving', 'swapping']);
  const after = await managedStatus(place.home, target);
  expect(after).toMatchObject({ status: 'ready', port: before.port, socket: before.socket });
  expect(after.pid).not.toBe(before.pid);
  expect(readMarker(layout.data)).toMatchObject({
    incarnation: wanted.newIncarnation,
    backup_id: wanted.source.backups[0].id,
  });
  expect(readMarker(layout.data)?.options).not.toHaveProperty('datadir');

  expect(outcome).toMatchObject({ users_from: 'orders', service_running: true, warnings: [] });
  expect(outcome.kept_data).toBe(join(layout.root, `data.before-restore-${wanted.restoreId}`));
  expect(readMarker(outcome.kept_data)?.incarnation).toBe(old);
  expect(Date.parse(outcome.kept_until) - Date.now()).toBeGreaterThan(71 * 3_600_000);
  expect(listKeptData(placeOf(place.home, target))).toMatchObject([
    { incarnation: old, replaced_by: wanted.newIncarnation },
  ]);
  await scene.expectTidy();
});

test('every file of the restored data has the owner and mode of the old ones, and backup files are gone', async () => {
  const { place, target } = scene;
  const layout = managedLayout(place.home, target.id);
  const [kept] = listKeptData(placeOf(place.home, target));
  for (const path of everything(layout.data)) {
    const stat = lstatSync(path);
    const wanted = lstatSync(stat.isDirectory() ? (kept?.path ?? '') : join(kept?.path ?? '', 'ibdata1'));
    // What the running server has made since is its own affair.
    if (stat.mtimeMs > Date.parse(kept?.kept_at ?? '') - 2000) continue;
    expect([path, stat.uid, stat.gid, stat.mode & 0o777]).toEqual([path, wanted.uid, wanted.gid, wanted.mode & 0o777]);
  }
  expect(readdirSync(layout.data).filter((name) => /^xtrabackup|^backup-my/.test(name))).toEqual([]);
});

test('no transaction id is issued twice: not after a restore, not after two, not after a crash of the target', async () => {
  const { place, target } = scene;
  const issued = new Set<string>();
  const commit = async (): Promise<void> => {
    const connection = await connect(target.connection);
    await connection.query('UPDATE shop.generation SET v = UUID()');
    const [last] = await connection.query<{ id: string }>('SELECT @@last_gtid AS id');
    await connection.close();
    expect(issued.has(last?.id ?? '')).toBe(false);
    issued.add(last?.id ?? '');
  };
  for (let round = 0; round < 2; round += 1) {
    await commit();
    await commit();
    await restoreBackup(scene.input(), testJob());
  }
  await commit();
  const { pid = 0 } = await managedStatus(place.home, target);
  const identity = identify(pid) ?? { pid, start_time: '' };
  signalProcess(identity, 'SIGKILL');
  await waitUntilGone(identity, 10_000);
  const outcome = await restoreBackup(scene.input({ highestGtids: '7-7-7' }), testJob());
  await commit();
  expect(issued.size).toBe(6);
  expect(parseGtids(outcome.highest_gtids)).toContainEqual({ domain: 7, server: 7, sequence: 7n });
  // A target that had fallen, though it should run, runs again; there was no downtime that we caused.
  expect(outcome).toMatchObject({ service_running: true, downtime_ms: 0 });
});

test('files that the backup lacks come along, replication state does not', async () => {
  const { place, target } = scene;
  const layout = managedLayout(place.home, target.id);
  const files = { 'server-key.pem': 'key', 'my-own.flag': '', 'master.info': 'old', 'relay-log.info': 'old' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(layout.data, name), text);
  await restoreBackup(scene.input(), testJob());
  expect(Object.keys(files).filter((name) => existsSync(join(layout.data, name)))).toEqual([
    'server-key.pem',
    'my-own.flag',
  ]);
});

test('under a write load a client reads the old data, then the new, and never anything between', async () => {
  const { target, backedUp } = scene;
  await sqlOn(target, "UPDATE shop.generation SET v = 'before'; UPDATE shop.settings SET v = 'before'");
  const seen: string[] = [];
  const job = testJob();
  let done = false;
  let committed = 0;
  const writer = (async () => {
    const connection = await connect(target.connection);
    // Ends with the connection that it has: the target's stop.
    for (;;) {
      try {
        await connection.query('INSERT INTO shop.audit (what) VALUES (UUID())');
        committed += 1;
      } catch {
        break;
      }
    }
    await connection.close();
  })();
  const reader = (async () => {
    while (!done) {
      try {
        const [row] = await ask<{ v: string; n: number }>(
          target,
          "SELECT v, (SELECT COUNT(*) FROM shop.settings WHERE v = 'before') AS n FROM shop.generation",
        );
        seen.push(`${row?.v} ${(row?.n ?? 0) > 0}`);
      } catch {
        // Down for the moment of the swap.
      }
    }
  })();
  await restoreBackup(scene.input(), job);
  done = true;
  await Promise.all([writer, reader]);
  expect(committed).toBeGreaterThan(0);
  expect(await checksums(target.connection)).toEqual(backedUp);
  const turns = seen.filter((state, index) => state !== seen[index - 1]);
  expect(turns.slice(0, 1)).toEqual(['before true']);
  expect(turns.slice(1)).toEqual(turns.length > 1 ? ['backed up false'] : []);
});

test('a cancel that comes after the target was asked to stop is too late: going back would cost the same', async () => {
  const job = testJob();
  await scene.damage();
  const outcome = await restoreBackup(scene.input(), job, {
    afterStep: (step) => {
      if (step === 'stopping') job.cancel();
    },
  });
  expect(outcome.service_running).toBe(true);
  expect(await checksums(scene.target.connection)).toEqual(scene.backedUp);
  await scene.expectTidy();
});

test('the private server is out of reach, fires no event and keeps no account of its own', async () => {
  const { place, target } = scene;
  const wanted = scene.input();
  const { socket } = stagingOf(placeOf(place.home, target), wanted.restoreId);
  let row: Record<string, unknown> | undefined;
  await restoreBackup(wanted, testJob(), {
    afterStep: async (step) => {
      if (step !== 'draining') return;
      const connection = await connect({ socket });
      [row] = await connection.query<Record<string, unknown>>(
        'SELECT @@event_scheduler AS events, @@skip_networking AS closed, @@local_infile AS local_files, @@datadir AS data',
      );
      await connection.close();
    },
  });
  expect(row).toMatchObject({ events: 'OFF', closed: 1, local_files: 0 });
  expect(row?.data).toContain('staging-');
  expect(await ask(target, "SELECT user FROM mysql.global_priv WHERE user LIKE 'skybackup\\_%'")).toEqual([]);
});

test('onto another service: the users are the source’s, and its own login and backups go on', async () => {
  const { place } = scene;
  const other = await managedService(place.home, 'copy');
  await sqlOn(other, 'CREATE DATABASE mine; CREATE USER mine@localhost');
  const [before] = await ask<{ id: number }>(other, 'SELECT @@server_id AS id');
  const outcome = await restoreBackup(scene.input({ target: other }), testJob());

  expect(outcome.users_from).toBe('orders');
  const restored = await checksums(other.connection);
  delete restored['mysql.global_priv'];
  const expected: Record<string, number | null> = { ...scene.backedUp };
  delete expected['mysql.global_priv'];
  expect(restored).toEqual(expected);
  expect(await ask(other, "SELECT user AS name FROM mysql.global_priv WHERE user IN ('reader', 'mine')")).toEqual([
    { name: 'reader' },
  ]);
  const [after] = await ask<{ id: number; me: string }>(other, 'SELECT @@server_id AS id, CURRENT_USER() AS me');
  expect(after).toEqual({ id: before?.id, me: 'skybackup@localhost' });
  const next = await takeSampleBackup(other, place.home.repository);
  expect(next.manifest.tables.length).toBe(scene.backup.manifest.tables.length);
  await stopManagedServer(place.home, other);
});

test('a target that a person had stopped is proven and stopped again', async () => {
  const { place, target, backedUp } = scene;
  await stopManagedServer(place.home, target);
  const outcome = await restoreBackup(scene.input(), testJob());
  expect(outcome).toMatchObject({ service_running: false, downtime_ms: 0 });
  expect((await managedStatus(place.home, target)).status).toBe('stopped');
  await scene.expectTidy();
  await startManagedServer(place.home, target);
  expect(await checksums(target.connection)).toEqual(backedUp);
});

test('a target whose data directory was deleted under its server comes back', async () => {
  const { place, target, backedUp } = scene;
  rmSync(managedLayout(place.home, target.id).data, { recursive: true });
  const outcome = await restoreBackup(scene.input(), testJob());
  expect(outcome.kept_data).toBe('');
  expect(await checksums(target.connection)).toEqual(backedUp);
  await scene.expectTidy();
});

test('kept data stay until their time is over, and nothing else is ever removed', async () => {
  const { place, target } = scene;
  const { home } = place;
  const outcome = await restoreBackup(scene.input({ keepHours: 1 }), testJob());
  const now = Date.now();
  const until = Date.parse(outcome.kept_until);
  expect(await expireKeptData(placeOf(home, target), new Date(until - 1))).toEqual([]);
  expect(existsSync(outcome.kept_data)).toBe(true);
  const expired = await expireKeptData(placeOf(home, target), new Date(until));
  expect(expired.map((kept) => kept.path)).toContain(outcome.kept_data);
  expect(existsSync(outcome.kept_data)).toBe(false);
  expect(listKeptData(placeOf(home, target)).every((kept) => Date.parse(kept.kept_until) > now)).toBe(true);
  const { data } = managedLayout(home, target.id);
  await expect(removeKeptData(placeOf(home, target), data)).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(removeKeptData(placeOf(home, { ...target, id: 'copy' }), outcome.kept_data)).rejects.toMatchObject({
    code: 'invalid_request',
  });
  await scene.expectTidy();
});

function everything(directory: string): string[] {
  return [directory, ...readdirSync(directory, { recursive: true }).map((name) => join(directory, String(name)))];
}
