import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeDump } from '../../../src/engine/backup/dump.ts';
import { takeFullBackup } from '../../../src/engine/backup/full.ts';
import { takeIncrementalBackup } from '../../../src/engine/backup/incremental.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { inputOf, noLineage, recordedJob } from '../backup/backup-world.ts';
import { type OutsideScene, outsideScene } from './outside-scene.ts';
import { testJob } from './sample-backup.ts';
import type { Checksums } from './scene.ts';

/** Chains and dumps, where everything has to be made as the owner of the data, who is another user. */
let scene: OutsideScene;
let chain: [Manifest, Manifest];
let dump: Manifest;
let sums: Checksums;

const repository = () => openRepository(localDirectory(join(scene.place.home.root, 'own-repository')));

beforeAll(async () => {
  scene = await outsideScene('command');
  const input = () => inputOf(scene.server, { service: scene.target, repository: repository() });
  const full = await takeFullBackup({ ...input(), lineage: noLineage }, recordedJob());
  const { lsn } = full;
  if (lsn === null) throw new Error('a full backup has its LSNs');
  await scene.server.sql("UPDATE shop.customers SET note = 'later'; CREATE TABLE shop.later (id INT PRIMARY KEY);");
  const lineage = { ...noLineage, newestParent: async () => ({ ...full, lsn }) };
  const incremental = await takeIncrementalBackup({ ...input(), lineage, orFull: false }, recordedJob());
  chain = [full, incremental];
  dump = await takeDump(input(), recordedJob());
  sums = await scene.server.checksums();
  await scene.damage();
});
afterAll(() => scene.dispose());

/** When an account was made, and an event or a routine, an import cannot bring back. */
const rows = (all: Checksums): Checksums =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('mysql.')));

test('a chain', async () => {
  const source = { backups: chain };
  const outcome = await restoreBackup(scene.input({ source, repository: repository() }), testJob());
  expect(outcome).toMatchObject({ service_running: true, warnings: [] });
  await scene.expectRunningWith(sums);
});

test('a dump', async () => {
  await scene.damage();
  const source = { backups: [dump] } as const;
  const outcome = await restoreBackup(scene.input({ source, repository: repository() }), testJob());
  expect(outcome).toMatchObject({ service_running: true, warnings: [] });
  const found = await scene.server.checksums();
  expect(rows(found)).toEqual(rows(sums));
  await scene.expectRunningWith(found);
});
