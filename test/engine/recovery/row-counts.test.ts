import { afterAll, beforeAll, expect, it } from 'vitest';
import { findTransactions } from '../../../src/engine/recovery/find-transactions.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { serviceOf } from '../backup/backup-world.ts';
import { type RecoveryWorld, recoveryWorld } from './recovery-world.ts';

/** A column of every kind that a row may have, long ones of each too. */
const columns = `id INT PRIMARY KEY, t TINYINT, s SMALLINT UNSIGNED, m MEDIUMINT, b BIGINT, f FLOAT, d DOUBLE, y YEAR, da DATE,
  ti TIME, ti3 TIME(3), dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP NULL, ts5 TIMESTAMP(5) NULL, de DECIMAL(10,2),
  de2 DECIMAL(65,30), de3 DECIMAL(3,3), v VARCHAR(20), vl VARCHAR(500), vc VARCHAR(300) COMPRESSED, c CHAR(10), cl CHAR(255) CHARACTER SET utf8mb4,
  bi BINARY(16), vb VARBINARY(300), tb TINYBLOB, bl BLOB, ml MEDIUMTEXT, ll LONGBLOB, bc BLOB COMPRESSED, j JSON, e ENUM('x','y'), se SET('p','q'),
  b1 BIT(1), b9 BIT(9), b64 BIT(64), g POINT, u UUID, i6 INET6, nothing INT`;
/** Of a row, with its values as long as a number lets them be. */
const values = `seq, 1, 2, 3, 4, 5.5, 6.6, 2024, '2024-02-29', '10:11:12', '10:11:12.123', '2024-02-29 10:11:12', NOW(6), NOW(), NOW(5),
  12345678.91, -123456789012345678901234567890.5, 0.125, REPEAT('a', seq % 20), REPEAT('b', seq * 37 % 500), REPEAT('c', seq * 31 % 300), 'd',
  REPEAT('é', seq * 17 % 255), 'bin', REPEAT('v', seq * 13 % 300), REPEAT('t', seq % 255), REPEAT('w', seq * 101 % 3000), REPEAT('m', seq * 7),
  REPEAT('l', seq * 301 % 70000), REPEAT('k', seq), JSON_OBJECT('a', seq), 'y', 'p,q', 1, 257, 1 << 63, POINT(1, seq), UUID(), '::1', NULL`;

let server: TestMariadbd;
let world: RecoveryWorld;
beforeAll(async () => {
  server = await startMariadbd();
  world = recoveryWorld(server);
  world.state.services.add(serviceOf(server));
  await server.sql(`CREATE DATABASE d; CREATE TABLE d.every (${columns}); CREATE TABLE d.child (id INT PRIMARY KEY);`);
});
afterAll(() => server.stop());

/** What each transaction of a script is found to have done to rows. */
async function countsOf(sql: string): Promise<unknown[]> {
  const begun = BigInt((await server.sql('SELECT @@gtid_binlog_pos')).split('-')[2] ?? 0);
  await server.sql(sql);
  const context = { state: world.state, repository: world.input().repository };
  const { transactions, not_looked_at, more } = await findTransactions(context, 'shop', { limit: 500 });
  expect([not_looked_at, more]).toEqual([undefined, false]);
  return transactions.filter(({ gtid }) => BigInt(gtid.split('-')[2] ?? 0) > begun).map(({ rows }) => rows);
}

it.each([
  ['full rows', ''],
  ['only the columns that changed', "SET SESSION binlog_row_image = 'MINIMAL';"],
  ['no unchanged blobs', "SET SESSION binlog_row_image = 'NOBLOB';"],
  ['compressed events', 'SET GLOBAL log_bin_compress = ON, log_bin_compress_min_len = 10;'],
  ['all that a table map can say', "SET GLOBAL log_bin_compress = OFF, binlog_row_metadata = 'FULL';"],
])('rows are counted by table: %s', async (_, settings) => {
  const found = await countsOf(
    `${settings} USE d; TRUNCATE every;
     INSERT INTO every SELECT ${values} FROM seq_1_to_300;
     INSERT INTO every (id) VALUES (1000), (1001);
     UPDATE every SET v = 'changed', ll = REPEAT('z', 70000), nothing = 7 WHERE id <= 100;
     BEGIN; DELETE FROM every WHERE id <= 50; INSERT INTO child VALUES (1), (2), (3); DELETE FROM child; COMMIT;
     DELETE FROM every;`,
  );
  const every = (inserted: number, updated: number, deleted: number) => ({
    table: 'd.every',
    ...{ inserted, updated, deleted },
  });
  expect(found).toEqual([
    undefined,
    [every(300, 0, 0)],
    [every(2, 0, 0)],
    [every(0, 100, 0)],
    [every(0, 0, 50), { table: 'd.child', inserted: 3, updated: 0, deleted: 3 }],
    [every(0, 0, 252)],
  ]);
});

it('statements that were logged as such have no counts, and tables beside them have', async () => {
  const found = await countsOf(
    `SET SESSION binlog_format = 'STATEMENT'; INSERT INTO d.child VALUES (1), (2);
     SET SESSION binlog_format = 'ROW'; DELETE FROM d.child WHERE id = 2;
     SET SESSION binlog_format = 'MIXED'; DELETE FROM d.child;`,
  );
  expect(found).toEqual([undefined, [{ table: 'd.child', inserted: 0, updated: 0, deleted: 1 }], undefined]);
});
