import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, type SqlConnection } from '../../../src/engine/mariadb/connect.ts';
import { containsGtids } from '../../../src/engine/mariadb/gtid.ts';
import { type ExportedLogs, exportLogs } from '../../../src/engine/recovery/export-logs.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { checksumsOf, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { restoreByHand } from '../backup/restore-by-hand.ts';
import { type Moment, type RecoveryWorld, recoveryWorld, userTables } from './recovery-world.ts';

const account =
  "CREATE USER copier@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE ON *.* TO copier@'127.0.0.1';";
const signal = AbortSignal.timeout(100_000);

let primary: TestMariadbd;
let world: RecoveryWorld;
let full: Manifest;
let archived: Moment;
let exported: ExportedLogs;
beforeAll(async () => {
  primary = await startMariadbd({ seed: true, tcp: true });
  world = recoveryWorld(primary);
  await primary.sql(`${account} CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(40)); FLUSH BINARY LOGS;`);
  await world.archive();
  await primary.sql(
    "INSERT INTO shop.t VALUES (1, 'before'); SET gtid_domain_id = 5; INSERT INTO shop.t VALUES (2, 'five');",
  );
  full = await world.full();
  await primary.sql("INSERT INTO shop.t VALUES (3, 'after'); FLUSH BINARY LOGS; UPDATE shop.legacy SET v = UUID();");
  await world.archive();
  archived = await world.moment(
    "CREATE TABLE shop.later AS SELECT * FROM shop.t; SET gtid_domain_id = 5; INSERT INTO shop.t VALUES (4, 'last');",
  );
  await world.archive();
  exported = await exportLogs(
    world.input().repository,
    { serviceId: 'shop', directory: join(primary.root, 'exported'), fromGtid: full.binlog?.gtid ?? '' },
    signal,
  );
  await primary.sql(
    "INSERT INTO shop.t VALUES (5, 'not archived'); FLUSH BINARY LOGS; SET gtid_domain_id = 5; DROP TABLE shop.later;",
  );
});
afterAll(() => primary.stop());

it('a server on exported logs feeds a replica made of a backup, which then follows the original', async () => {
  const logs = exported.logs.map(({ name }) => name);
  await using source = await startMariadbd({
    tcp: true,
    args: [`--log-bin=${join(exported.directory, exported.index.replace(/\.index$/, ''))}`],
  });
  await source.sql(`SET sql_log_bin = 0; ${account}`);
  expect((await source.sql('SHOW BINARY LOGS')).split('\n').map((row) => row.split('\t')[0])).toEqual([
    ...logs,
    expect.any(String),
  ]);

  const file = join(primary.root, 'full');
  await pipeline(world.input().repository.read(full, signal), createWriteStream(file));
  await using restored = await restoreByHand(file, full);
  const replica = await connect(restored.connection);
  try {
    await replica.query('SET GLOBAL server_id = 77777777');
    await replica.query('SET GLOBAL gtid_slave_pos = ?', [full.binlog?.gtid]);
    await follow(replica, source);
    await caughtUp(replica, exported.until_gtid);
    expect(userTables(await checksumsOf(replica))).toEqual(archived.tables);

    // The position it stands at is known there also after both begin anew.
    await replica.query('STOP SLAVE');
    await source.down();
    await source.up();
    const known = await source.sql('SELECT @@gtid_binlog_state');
    expect(containsGtids(known, exported.until_gtid), known).toBe(true);
    await replica.query('START SLAVE');
    await caughtUp(replica, exported.until_gtid);

    await replica.query('STOP SLAVE');
    await follow(replica, primary);
    await caughtUp(replica, await primary.sql('SELECT @@gtid_binlog_pos'));
    expect(userTables(await checksumsOf(replica))).toEqual(userTables(await primary.checksums()));
    await replica.query('STOP SLAVE');
  } finally {
    await replica.close();
  }
});

async function follow(replica: SqlConnection, source: TestMariadbd): Promise<void> {
  await replica.query(
    "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ?, MASTER_USER = 'copier', MASTER_PASSWORD = 'secret', MASTER_USE_GTID = slave_pos",
    [source.port],
  );
  await replica.query('START SLAVE');
}

/** That the replica stands at this very position, and nothing stopped it. */
async function caughtUp(replica: SqlConnection, position: string): Promise<void> {
  await replica.query('SELECT MASTER_GTID_WAIT(?, 30)', [position]);
  const [status] = await replica.query<{ Last_IO_Error: string; Last_SQL_Error: string }>('SHOW SLAVE STATUS');
  expect([status?.Last_IO_Error, status?.Last_SQL_Error]).toEqual(['', '']);
  const [row] = await replica.query<{ gtids: string }>('SELECT @@gtid_slave_pos AS gtids');
  expect(row?.gtids.split(',').sort()).toEqual(position.split(',').sort());
}
