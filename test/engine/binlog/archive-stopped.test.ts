import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeStoppedBinlogBackup } from '../../../src/engine/binlog/archive-stopped.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { recordBackup } from '../../../src/engine/store/reconcile-catalogue.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { recordedJob } from '../backup/backup-world.ts';
import { type ArchiveWorld, archiveWorld } from './archive-world.ts';

let server: TestMariadbd;
let world: ArchiveWorld;
beforeAll(async () => {
  server = await startMariadbd();
  world = archiveWorld(server);
  await server.sql('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1);');
});
afterAll(() => server.stop());

async function archiveStopped(): Promise<{ manifest: Manifest | undefined; warnings: string[] }> {
  const job = recordedJob();
  const manifest = await takeStoppedBinlogBackup(world.input(), server.datadir, job);
  if (manifest !== undefined) recordBackup(world.state, manifest);
  return { manifest, warnings: job.warnings };
}

it('of a server that runs, nothing is copied', async () => {
  await expect(archiveStopped()).rejects.toMatchObject({ code: 'conflict', message: /in use/ });
});

it('of a server that died, all logs are archived, without the part of an event at their end', async () => {
  await world.archive();
  await server.sql('INSERT INTO d.t VALUES (2); FLUSH BINARY LOGS; INSERT INTO d.t VALUES (3);');
  const state = await server.sql('SELECT @@gtid_binlog_state');
  await server.down(false);
  const last = readFileSync(join(server.datadir, 'binlog.index'), 'utf8').trim().split('\n').at(-1) ?? '';
  const whole = readFileSync(last).length;
  // What an event looks like of which only the beginning reached the disk.
  const torn = Buffer.alloc(40, 1);
  torn.writeUInt32LE(500, 9);
  appendFileSync(last, torn);

  const { manifest, warnings } = await archiveStopped();
  expect(warnings).toEqual([expect.stringContaining('its last 40 bytes count for nothing')]);
  expect(manifest?.logs).toHaveLength(2);
  const newest = manifest?.logs?.at(-1);
  expect(newest).toMatchObject({ gtids_after: state, bytes: whole, closed_at: null, gap: null, transactions: 1 });
  expect(manifest?.logs?.[0]?.follows).not.toBeNull();
  expect(await world.bytesOf(manifest as Manifest, newest?.name ?? '')).toEqual(readFileSync(last).subarray(0, whole));
  expect(manifest?.server.version).toBe((await world.state.backups.get(manifest?.id ?? ''))?.server_version);

  expect((await archiveStopped()).manifest).toBeUndefined();
});

it('when it runs again, archiving goes on without a gap', async () => {
  await server.up();
  await server.sql('INSERT INTO d.t VALUES (4);');
  const { manifest, warnings } = await world.archive();
  expect(warnings).toEqual([]);
  expect(manifest?.logs?.every(({ gap, follows }) => gap === null && follows !== null)).toBe(true);
  expect(manifest?.logs?.at(-1)?.gtids_after).toBe(await server.sql('SELECT @@gtid_binlog_state'));
});

it('of one that was stopped properly, the closed log is taken as it is', async () => {
  await server.sql('INSERT INTO d.t VALUES (5);');
  await server.down();
  const { manifest, warnings } = await archiveStopped();
  expect(warnings).toEqual([]);
  expect(manifest?.logs).toEqual([expect.objectContaining({ closed_at: expect.any(String), transactions: 1 })]);
});
