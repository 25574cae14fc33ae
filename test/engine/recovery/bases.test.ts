import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeDump } from '../../../src/engine/backup/dump.ts';
import { takeIncrementalBackup } from '../../../src/engine/backup/incremental.ts';
import { systemClock } from '../../../src/engine/clock.ts';
import { serviceLineage } from '../../../src/engine/jobs/service-lineage.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { recordBackup } from '../../../src/engine/store/reconcile-catalogue.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { inputOf, recordedJob, serviceOf } from '../backup/backup-world.ts';
import { type Moment, type RecoveryWorld, recoveryWorld } from './recovery-world.ts';

/** What a backup of each kind leads to, when the logs after it are replayed. */
let server: TestMariadbd;
let world: RecoveryWorld;
let full: Manifest;
let incremental: Manifest;
let dump: Manifest;
let last: Moment;

beforeAll(async () => {
  server = await startMariadbd({ seed: true });
  world = recoveryWorld(server);
  const { repository } = world.input();
  const input = () => inputOf(server, { repository });
  full = await world.full();
  await server.sql(
    `USE shop; CREATE TABLE changed (id INT PRIMARY KEY, v BLOB); INSERT INTO changed SELECT seq, RANDOM_BYTES(100) FROM seq_1_to_2000;
     SET SESSION gtid_domain_id = 3; UPDATE customers SET note = UUID();`,
  );
  const context = { state: world.state, repository, clock: systemClock };
  world.state.services.add(serviceOf(server));
  const lineage = serviceLineage(context, serviceOf(server), 'local', recordedJob());
  incremental = await takeIncrementalBackup({ ...input(), lineage, orFull: false }, recordedJob());
  recordBackup(world.state, incremental);
  await world.archive();
  await server.sql(
    "CREATE USER app@localhost IDENTIFIED BY 'x'; GRANT SELECT ON shop.* TO app@localhost; UPDATE shop.legacy SET v = UUID();",
  );
  dump = await takeDump(input(), recordedJob());
  recordBackup(world.state, dump);
  last = await world.moment(
    `USE shop; ALTER TABLE changed ADD COLUMN w INT DEFAULT 5; DELETE FROM changed WHERE id % 3 = 0;
     GRANT INSERT ON shop.orders TO app@localhost; CREATE USER later@localhost; GRANT PROXY ON app@localhost TO later@localhost;
     UPDATE legacy SET v = UUID(); SET SESSION gtid_domain_id = 3; INSERT INTO settings VALUES ('third', UUID());
     CREATE EVENT shop.soon ON SCHEDULE EVERY 1 SECOND DO DELETE FROM shop.settings;`,
  );
  await world.archive();
});
afterAll(() => server.stop());

/** Without the tables that note who granted or created a thing, and when: that was done again. */
function rowsOf(tables: Moment['tables']): Moment['tables'] {
  return Object.fromEntries(Object.entries(tables).filter(([name]) => !/^mysql\.(tables_priv|proc)$/.test(name)));
}

it.each([
  ['an incremental with its chain', () => [full, incremental] as const],
  ['a dump', () => [dump] as const],
])('%s, rolled forward to the last transaction, gives every table as it was then', async (_, chain) => {
  const backups = chain();
  const { rollForward } = await world.source({ gtid: last.gtids }, backups.at(-1));
  expect(rollForward).toMatchObject({ from: backups.at(-1)?.binlog?.gtid, until: last.gtids });
  if (rollForward === undefined) throw new Error('there are transactions to replay');
  expect(rowsOf(await world.rebuiltFrom({ backups, rollForward }))).toEqual(rowsOf(last.tables));
});
