import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { backupsOf } from '../../../src/engine/retention/service-backups.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { type Moment, nextSecond, type RecoveryWorld, recoveryWorld } from './recovery-world.ts';

let server: TestMariadbd;
let world: RecoveryWorld;
let full: Manifest;
const moments = new Map<string, Moment>();
const momentOf = (name: string): Moment => moments.get(name) ?? { gtids: '', time: '', tables: {} };

beforeAll(async () => {
  server = await startMariadbd({ seed: true, args: ['--max-allowed-packet=64M'] });
  world = recoveryWorld(server);
  const note = async (name: string, sql: string) => moments.set(name, await world.moment(sql));
  const file = join(server.root, 'rows.txt');
  writeFileSync(file, '1\tone\n2\ttwo\n');
  await server.sql(
    'CREATE TABLE shop.t (id INT PRIMARY KEY, v LONGTEXT); SET gtid_domain_id = 9; CREATE TABLE shop.ended (id INT);',
  );
  full = await world.full();
  await note(
    'rows',
    "INSERT INTO shop.t VALUES (1, 'a'), (2, 'b'), (3, REPEAT('x', 20000000)); UPDATE shop.legacy SET v = UUID();",
  );
  await note(
    'statements',
    `SET SESSION binlog_format = STATEMENT; SET @v = 'user';
     INSERT INTO shop.t VALUES (10, @v), (11, CONCAT('r', FLOOR(1 + 1)));
     CREATE TEMPORARY TABLE shop.temporary (id INT); INSERT INTO shop.temporary VALUES (20), (21);
     INSERT INTO shop.t SELECT id, 'from temporary' FROM shop.temporary;
     LOAD DATA INFILE '${file}' INTO TABLE shop.t (@i, v) SET id = 30 + @i;
     UPDATE shop.t SET v = 'none' WHERE id = -1;`,
  );
  await world.archive();
  await note(
    'definitions',
    `CREATE DATABASE other; CREATE TABLE other.d (id INT PRIMARY KEY AUTO_INCREMENT, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
     INSERT INTO other.d (id) VALUES (NULL), (NULL); ALTER TABLE other.d ADD COLUMN w INT DEFAULT 7;
     CREATE VIEW other.v AS SELECT id FROM other.d; CREATE USER app@localhost IDENTIFIED BY 'secret'; GRANT SELECT ON other.* TO app@localhost;
     CREATE EVENT other.e ON SCHEDULE EVERY 1 SECOND DO INSERT INTO other.d (id) VALUES (NULL);
     SET gtid_domain_id = 5; INSERT INTO other.d (id) VALUES (100); SET gtid_domain_id = 0; INSERT INTO shop.t VALUES (40, 'zero');
     SET gtid_domain_id = 5; INSERT INTO other.d (id) VALUES (101);`,
  );
  await note('copied', 'CREATE TABLE other.copy AS SELECT * FROM shop.legacy;');
  await note(
    'copied again',
    'CREATE OR REPLACE TABLE other.copy (KEY (id)) SELECT * FROM shop.legacy WHERE id < 5; INSERT INTO other.copy (id) VALUES (900);',
  );
  await note('xa', "XA START 'x'; INSERT INTO shop.t VALUES (50, 'xa'); XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x';");
  await world.archive();
  await note(
    'long',
    `BEGIN; INSERT INTO shop.t VALUES (60, 'long'); ${nextSecond} COMMIT; INSERT INTO shop.t VALUES (61, 'good');`,
  );
  await note('forged back', `${nextSecond} SET timestamp = 1000000000; INSERT INTO shop.t VALUES (62, 'back');`);
  await note(
    'good',
    `${nextSecond} INSERT INTO shop.t VALUES (63, 'good'); SET gtid_domain_id = 5; INSERT INTO other.d (id) VALUES (102);`,
  );
  await note('dropped', 'DROP TABLE shop.t;');
  await note('later', `${nextSecond} CREATE TABLE shop.t (id INT); INSERT INTO shop.t VALUES (1);`);
  await world.archive();
});
afterAll(() => server.stop());

it('while a restore or a verification runs, no retention takes its logs away', () => {
  const { state } = world;
  const pinned = () => backupsOf({ state }, 'shop').filter((each) => each.pinned !== undefined && each.id !== full.id);
  expect(pinned()).toEqual([]);
  const job = state.jobs.reserve({ kind: 'restore', service_id: 'copy', lanes: ['data'], backup_id: full.id });
  if (!('reserved' in job)) throw new Error('the lane is taken');
  expect(pinned().map(({ type }) => type)).toEqual(['binarylog', 'binarylog', 'binarylog']);
  state.jobs.abandon(job.reserved.id);
  expect(pinned()).toEqual([]);
});

describe('a full backup, rolled forward', () => {
  it.each(['statements', 'xa', 'later'])('to the transactions of "%s": every table as it was then', async (name) => {
    const { gtids, tables } = momentOf(name);
    const source = await world.source({ gtid: gtids });
    expect(source.rollForward?.until).toBe(gtids);
    expect(await world.rebuiltFrom(source)).toEqual(tables);
  });

  // One transaction in the log; a client that carries it out commits twice.
  it.each(['copied', 'copied again'])('to a table made of rows, "%s"', async (name) => {
    const { gtids, tables } = momentOf(name);
    expect(await world.rebuilt({ gtid: gtids })).toEqual(tables);
  });

  it('to the transaction before a DROP in the same second', async () => {
    const [, sequence] = /0-\d+-(\d+)/.exec(momentOf('dropped').gtids) ?? [];
    const drop = momentOf('dropped').gtids.match(/0-\d+-\d+/)?.[0] ?? '';
    expect(Number(sequence)).toBeGreaterThan(0);
    expect(await world.rebuilt({ before_gtid: drop })).toEqual(momentOf('good').tables);
  });

  it.each([
    ['xa', 'xa', 'without one that began then and was committed later'],
    // What a session forged back is not older than what came before it.
    ['long', 'forged back', 'with what was forged back after it'],
    ['later', 'later', 'to the end'],
  ])('to the second of "%s": the data of "%s", %s', async (second, name) => {
    const { gtids, tables } = momentOf(name);
    const source = await world.source({ point_in_time: momentOf(second).time });
    expect(source.rollForward?.until).toBe(gtids);
    if (second === 'long') expect(await world.rebuiltFrom(source)).toEqual(tables);
  });

  it('begins at the very backup, whatever came before it in its log', async () => {
    expect(momentOf('rows').gtids.startsWith(full.binlog?.gtid ?? 'x')).toBe(false);
    const source = await world.source({ gtid: full.binlog?.gtid ?? '' });
    expect(source.rollForward).toBeUndefined();
  });
});
