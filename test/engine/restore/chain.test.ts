import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findSource } from '../../../src/engine/jobs/restore-source.ts';
import { managedStatus } from '../../../src/engine/managed/managed-server.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { parseGtids, sameGtids } from '../../../src/engine/mariadb/gtid.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { placeOf } from '../../../src/engine/restore/data-place.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import type { RestoreSource } from '../../../src/engine/restore/source.ts';
import { restoreSpace } from '../../../src/engine/restore/space.ts';
import { stagingOf } from '../../../src/engine/restore/staging.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { managedService, type TestHome, temporaryHome } from '../../servers/managed.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { type Registered, register } from '../backup/incremental-world.ts';
import { type TestJob, testJob } from './sample-backup.ts';

let place: TestHome;
let server: TestMariadbd;
let shop: Registered;
let target: ServiceRecord;
/** Each backup of the chain with what the server held then. */
const taken: { manifest: Manifest; sums: Record<string, number | null> }[] = [];

/** Files that a tool or a server with default options cannot open. */
const unusual = ['--innodb-page-size=8k', '--innodb-data-file-path=system1:20M:autoextend'];

const between = [
  `CREATE TABLE shop.between (id INT PRIMARY KEY, v BLOB); INSERT INTO shop.between SELECT seq, RANDOM_BYTES(200) FROM seq_1_to_3000;
   UPDATE shop.customers SET note = 'first' WHERE id % 7 = 0; REPLACE INTO shop.settings VALUES ('now', UUID());`,
  `DROP TABLE shop.numbers; ALTER TABLE shop.between ADD COLUMN w INT DEFAULT 5, ADD KEY (w); TRUNCATE TABLE shop.legacy;
   CREATE DATABASE archive; CREATE TABLE archive.t (id INT) ENGINE=Aria; INSERT INTO archive.t VALUES (1);
   RENAME TABLE shop.customers TO shop.people; CREATE USER late@localhost IDENTIFIED BY 'x';`,
  `ALTER TABLE shop.between ROW_FORMAT=COMPRESSED; DELETE FROM shop.between WHERE id % 3 = 0; DROP DATABASE archive;
   UPDATE shop.people SET note = UUID(); SET GLOBAL gtid_strict_mode = 0; SET GLOBAL gtid_slave_pos = '4-44-444'; SET GLOBAL gtid_strict_mode = 1; SET SESSION gtid_domain_id = 5; INSERT INTO shop.settings VALUES ('fifth', '5');`,
];

beforeAll(async () => {
  place = temporaryHome();
  [server, target] = await Promise.all([
    startMariadbd({ seed: true, installArgs: unusual, args: unusual }),
    managedService(place.home, 'target'),
  ]);
  shop = register(server);
  await server.sql('CREATE TABLE shop.transfers (id INT AUTO_INCREMENT PRIMARY KEY, amount INT) ENGINE=InnoDB');
  for (let step = 0; step <= between.length; step += 1) {
    // Which of two backups is the newer is told by whole seconds.
    if (step > 0) await server.sql(`USE shop; ${between[step - 1]} DO SLEEP(1.05);`);
    const sums = unrelated(await checksums(server.connection));
    const manifest = await underLoad(() => (step === 0 ? shop.full() : shop.incremental()));
    taken.push({ manifest, sums });
  }
  await server.sql('DROP TABLE shop.between; DELETE FROM shop.orders;');
});
afterAll(async () => {
  shop[Symbol.dispose]();
  await server.stop();
  await place.dispose();
});

/** Each transaction of the load is one of domain 7 and three rows that add up to nothing. */
async function underLoad<T>(work: () => Promise<T>): Promise<T> {
  const writer = await connect(server.connection);
  let writing = true;
  const load = (async () => {
    await writer.query('SET SESSION gtid_domain_id = 7');
    while (writing) {
      await writer.query('BEGIN');
      await writer.query('INSERT INTO shop.transfers (amount) VALUES (7), (-3)');
      await writer.query('INSERT INTO shop.transfers (amount) VALUES (-4)');
      await writer.query('COMMIT');
    }
  })();
  try {
    return await work();
  } finally {
    writing = false;
    await load;
    await writer.close();
  }
}

function unrelated(sums: Record<string, number | null>): Record<string, number | null> {
  const own = new Set(['shop.transfers', 'mysql.global_priv']);
  return Object.fromEntries(Object.entries(sums).filter(([name]) => !own.has(name)));
}

async function sourceOf({ id }: Manifest): Promise<RestoreSource> {
  const row = shop.state.backups.get(id);
  if (row === undefined) throw new Error(`no row of ${id}`);
  return findSource(shop, row);
}

let restoreId = 0;
async function restore(source: RestoreSource, job: TestJob = testJob()) {
  restoreId += 1;
  return restoreBackup(
    {
      restoreId,
      target,
      source,
      repository: shop.repository,
      home: place.home,
      newIncarnation: randomUUID(),
      highestGtids: '',
      beforeSwap: () => {},
    },
    job,
  );
}

test.each([3, 1])('member %i of a chain: every table is what it was then, to the last transaction', async (at) => {
  const { manifest, sums } = taken[at] ?? { sums: {} };
  if (manifest === undefined) throw new Error('not taken');
  const source = await sourceOf(manifest);
  expect(source.backups.map(({ id }) => id)).toEqual(taken.slice(0, at + 1).map((each) => each.manifest.id));
  const job = testJob();
  const outcome = await restore(source, job);
  expect(outcome).toMatchObject({ service_running: true, warnings: [] });
  expect(unrelated(await checksums(target.connection))).toEqual(sums);
  expect(job.phases).toEqual([
    'checking',
    ...source.backups.flatMap(() => ['materialising', 'preparing']),
    'proving',
    'swapping',
  ]);

  const connection = await connect(target.connection);
  const [found] = await connection.query<{ total: number; n: number; replica: string }>(
    'SELECT COALESCE(SUM(amount), 0) AS total, COUNT(*) AS n, @@gtid_slave_pos AS replica FROM shop.transfers',
  );
  await connection.close();
  const { replica = '', ...rows } = found ?? {};
  const last = parseGtids(manifest.binlog?.gtid ?? '').find(({ domain }) => domain === 7)?.sequence ?? 0n;
  expect(rows).toEqual({ total: 0, n: 3 * Number(last) });
  // Only the last backup is of a server that follows another.
  expect(sameGtids(replica, at === 3 ? (manifest.binlog?.gtid ?? '') : '')).toBe(true);
});

test('a chain out of order, or an increment that is another than its manifest says, leaves the target as it is', async () => {
  const { pid } = await managedStatus(place.home, target);
  const [full, first, second] = (await sourceOf(taken[2]?.manifest ?? missing())).backups;
  if (first === undefined || second === undefined) throw new Error('a chain of three was expected');
  // mariadb-backup would take it wherever the checkpoint of both is the same.
  for (const backups of [[full, second], [second], [full, second, first]] as [Manifest, ...Manifest[]][]) {
    await expect(restore({ backups })).rejects.toMatchObject({ code: 'backup_damaged' });
  }
  const objects: Manifest['objects'] = [first.objects[0]];
  await expect(restore({ backups: [full, first, { ...second, objects }] })).rejects.toMatchObject({
    code: 'backup_damaged',
    message: expect.stringContaining(second.id),
  });
  await expect(restore({ backups: [full, { ...first, binlog: null }] })).rejects.toMatchObject({
    code: 'backup_damaged',
    message: expect.stringContaining('GTID'),
  });
  expect(await managedStatus(place.home, target)).toMatchObject({ status: 'ready', pid });
  expect(existsSync(stagingOf(placeOf(place.home, target), restoreId).root)).toBe(false);
});

test('a cancel while an increment is applied leaves nothing behind', async () => {
  let prepared = 0;
  const job = testJob((name, self) => {
    if (name === 'preparing') prepared += 1;
    if (prepared === 2) self.cancel();
  });
  await expect(restore(await sourceOf(taken[3]?.manifest ?? missing()), job)).rejects.toMatchObject({
    code: 'cancelled',
  });
  expect(existsSync(stagingOf(placeOf(place.home, target), restoreId).root)).toBe(false);
  const { pid } = await managedStatus(place.home, target);
  expect(place.processes()).toEqual([pid]);
});

test('a chain that lacks a member is refused by its name, with the newest backup that works', async () => {
  const [, first, second, third] = taken.map(({ manifest }) => manifest);
  if (first === undefined || second === undefined || third === undefined) throw new Error('not taken');
  const folder = join(shop.object(second), '..');
  const aside = `${folder}.aside`;
  await cp(folder, aside, { recursive: true });
  await rm(shop.object(second));
  const refusal = {
    code: 'backup_damaged',
    message: expect.stringContaining(second.id),
    hint: expect.stringContaining(first.id),
    details: { missing: second.id, newest: first.id },
  };
  await expect(sourceOf(third)).rejects.toMatchObject(refusal);
  await rm(folder, { recursive: true });
  await expect(sourceOf(third)).rejects.toMatchObject(refusal);
  await expect(sourceOf(second)).rejects.toMatchObject({ ...refusal, message: expect.stringContaining('it is') });
  shop.state.backups.remove(second.id);
  await expect(sourceOf(third)).rejects.toMatchObject(refusal);
  await cp(aside, folder, { recursive: true });
  shop.state.backups.publish(second);
  expect((await sourceOf(third)).backups).toHaveLength(4);
});

test('the largest increment counts beside the data, and is no part of them', async () => {
  const { backups } = await sourceOf(taken[2]?.manifest ?? missing());
  // By their tables' sizes they did not grow.
  const [full, first, second] = backups.map((manifest) => ({ ...manifest, tables: [] }));
  if (full === undefined || first === undefined || second === undefined)
    throw new Error('a chain of three was expected');
  const needed = (...chain: [Manifest, ...Manifest[]]) =>
    restoreSpace({ backups: chain }, placeOf(place.home, target)).needed;
  const gibibyte = 1024 ** 3;
  const [small, large] = [
    { ...first, disk_bytes: second.disk_bytes },
    { ...first, disk_bytes: second.disk_bytes + gibibyte },
  ];
  expect(needed(full, large, second) - needed(full, small, second)).toBe(gibibyte);
  expect(needed(full, second) - needed(full)).toBe(second.disk_bytes);
});

function missing(): never {
  throw new Error('not taken');
}
