import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeDump } from '../../../src/engine/backup/dump.ts';
import { managedStatus, startManagedServer, stopManagedServer } from '../../../src/engine/managed/managed-server.ts';
import { containsGtids } from '../../../src/engine/mariadb/gtid.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import type { Repository } from '../../../src/engine/repository/repository.ts';
import { placeOf } from '../../../src/engine/restore/data-place.ts';
import { recoverRestore } from '../../../src/engine/restore/recover.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { stagingOf } from '../../../src/engine/restore/staging.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { managedService, type TestHome, temporaryHome } from '../../servers/managed.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { inputOf, recordedJob } from '../backup/backup-world.ts';
import { allDefinitions, hardSchema } from '../backup/hard-schema.ts';
import type { ChildRequest } from './restore-child.ts';
import { type TestJob, testJob } from './sample-backup.ts';
import { ask } from './scene.ts';

let place: TestHome;
let server: TestMariadbd;
let target: ServiceRecord;
let dump: Manifest;
let repository: Repository;
/** Of the moment of the dump. */
let tables: Record<string, number | null>;
let definitions: Record<string, unknown>;

/** The dump as text, less its largest row. */
let slim: string;

/** What a data directory with default options would not hold. */
const unusual = ['--innodb-page-size=32k', '--innodb-data-file-path=system1:20M:autoextend'];

beforeAll(async () => {
  place = temporaryHome();
  [server, target] = await Promise.all([
    startMariadbd({
      seed: true,
      installArgs: unusual,
      args: [
        ...unusual,
        '--character-set-server=latin2',
        '--max-allowed-packet=64M',
        '--innodb-strict-mode=0',
        '--log-bin-trust-function-creators=1',
      ],
    }),
    managedService(place.home, 'target'),
  ]);
  const zones = await execa(findTool('mariadb-tzinfo-to-sql'), ['/usr/share/zoneinfo']);
  await server.sql(`SET SESSION sql_log_bin = 0; USE mysql; ${zones.stdout}`);
  await server.sql(hardSchema);
  await server.sql(`
    CREATE TABLE shop.ticks (at DATETIME(6)); CREATE TABLE shop.fired (id INT);
    CREATE EVENT shop.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.ticks VALUES (NOW(6));
    SET SESSION time_zone = 'Europe/Berlin';
    CREATE EVENT shop.in_berlin ON SCHEDULE AT '2037-07-01 12:00:00' DO DELETE FROM shop.ticks;
    CREATE VIEW shop.berlin AS SELECT CONVERT_TZ('2026-07-01 12:00:00', 'Europe/Berlin', 'UTC') AS at;
    CREATE TABLE shop.elsewhere (id INT PRIMARY KEY) DATA DIRECTORY='${server.root}/tmp';
    INSERT INTO shop.elsewhere VALUES (1), (2);
    CREATE FUNCTION shop.lucky() RETURNS DOUBLE RETURN RAND();
    CREATE TABLE shop.lenient (id INT PRIMARY KEY) ROW_FORMAT=COMPRESSED;
    CREATE TRIGGER shop.elsewhere_ai AFTER INSERT ON shop.elsewhere FOR EACH ROW INSERT INTO shop.fired VALUES (NEW.id);
    SET SESSION gtid_domain_id = 9; INSERT INTO shop.settings VALUES ('ninth', '9');`);
  [tables, definitions] = [userTables(await server.checksums()), await comparable(server)];
  const input = inputOf(server);
  dump = await takeDump(input, recordedJob());
  repository = openRepository(localDirectory(join(server.root, 'repository')));
  const { stdout } = await execa('zstd', ['-dc', join(server.root, 'repository', dump.objects[0].key)], {
    stripFinalNewline: false,
  });
  slim = stdout.replaceAll('00FF'.repeat(1000), '00FF');
  await server.sql('DROP TABLE shop.orders');
});
afterAll(async () => {
  await server.stop();
  await place.dispose();
});

const userTables = (sums: Record<string, number | null>): Record<string, number | null> =>
  Object.fromEntries(Object.entries(sums).filter(([name]) => !name.startsWith('mysql.')));

/** Without the target's own account, and the directory of another machine. */
async function comparable(of: Pick<TestMariadbd, 'connection'>): Promise<Record<string, unknown>> {
  const all = await allDefinitions(of);
  const text = JSON.stringify(Object.entries(all).filter(([what]) => !what.includes('`skybackup`')));
  return Object.fromEntries(JSON.parse(text.replaceAll(/ DATA DIRECTORY='[^']*'/g, '')));
}

let restoreId = 0;
async function restore(manifest: Manifest, from: Repository = repository, job: TestJob = testJob()) {
  restoreId += 1;
  return restoreBackup(
    {
      restoreId,
      target,
      source: { backups: [manifest] },
      repository: from,
      home: place.home,
      newIncarnation: randomUUID(),
      highestGtids: '',
      beforeSwap: () => {},
    },
    job,
  );
}

test('brings every table, definition and account back into data of its own, and runs nothing of it meanwhile', async () => {
  const job = testJob();
  // Of an older series, as far as the manifest knows: that is no hindrance, and worth a word.
  const older = { ...dump, server: { ...dump.server, version: '10.6.20-MariaDB' } };
  const outcome = await restore(older, repository, job);
  expect(userTables(await checksums(target.connection))).toEqual(tables);
  expect(await comparable(target)).toEqual(definitions);
  expect(job.phases).toEqual(['checking', 'preparing', 'materialising', 'proving', 'swapping']);
  expect(outcome).toMatchObject({ users_from: 'shop', service_running: true });
  expect(outcome.warnings).toEqual([expect.stringContaining('from MariaDB 10.6 and imported into')]);
  expect(containsGtids(outcome.highest_gtids, dump.binlog?.gtid ?? 'none')).toBe(true);
  expect(dump.binlog?.gtid).toMatch(/9-\d+-1/);

  expect(
    await ask(target, 'SELECT (SELECT COUNT(*) FROM shop.ticks) AS ticks, (SELECT COUNT(*) FROM shop.fired) AS fired'),
  ).toEqual([{ ticks: 0, fired: 0 }]);
  expect(await ask(target, 'SELECT at FROM shop.berlin')).toEqual([{ at: '2026-07-01 10:00:00' }]);
  expect(readdirSync(join(target.datadir ?? '', 'shop'))).toContain('elsewhere.ibd');
  const options =
    'SELECT @@innodb_page_size AS page, @@innodb_data_file_path AS file, @@character_set_server AS charset';
  const wanted = [{ page: 32768, file: 'system1:20M:autoextend', charset: 'latin2' }];
  expect(await ask(target, options)).toEqual(wanted);
  await stopManagedServer(place.home, target);
  await startManagedServer(place.home, target);
  expect(await ask(target, options)).toEqual(wanted);
});

test('nobody comes in without a password afterwards who could not before', async () => {
  // Accounts by a host's name are not in force without name resolution, and in no dump.
  const accounts = `SELECT CONCAT(user, '@', host) AS name FROM mysql.global_priv
    WHERE user <> 'skybackup' AND host IN ('localhost', '127.0.0.1', '::1', '%', '') ORDER BY 1`;
  const before = (await server.sql(accounts)).split('\n');
  // Dropped on the source, and made by every new data directory.
  expect(before).not.toContain('root@127.0.0.1');
  expect((await ask<{ name: string }>(target, accounts)).map(({ name }) => name)).toEqual(before);
});

/** The dump with other bytes: a file of them. */
async function forged(edit: (sql: string) => string = (sql) => sql): Promise<string> {
  const file = join(server.root, 'tmp', `${randomUUID()}.zst`);
  await execa('zstd', ['-q', '-o', file], { input: edit(slim) });
  return file;
}

/** Quicker: what fails before an event needs its zone. */
const plain = (): Manifest => ({ ...dump, server: { ...dump.server, time_zones: false } });

describe('refused, with the target as it was', () => {
  async function untouched(work: () => Promise<unknown>, refusal: Record<string, unknown>): Promise<void> {
    const { pid } = await managedStatus(place.home, target);
    const before = await checksums(target.connection);
    await expect(work()).rejects.toMatchObject(refusal);
    expect(await managedStatus(place.home, target)).toMatchObject({ status: 'ready', pid });
    expect(await checksums(target.connection)).toEqual(before);
    expect(existsSync(stagingOf(placeOf(place.home, target), restoreId).root)).toBe(false);
    expect(place.processes()).toEqual([pid]);
  }

  const reading = (file: string, end = Number.POSITIVE_INFINITY): Repository => ({
    ...repository,
    read: () => createReadStream(file, { end }),
  });

  test('malformed SQL half way', async () => {
    const broken = await forged((sql) => sql.replace('INSERT INTO `orders`', 'INSERT INTO `orders` NONSENSE'));
    await untouched(() => restore(plain(), reading(broken)), {
      code: 'restore_failed',
      message: expect.stringContaining('NONSENSE'),
    });
  });

  test('a stream that ends in the middle', async () => {
    const file = await forged();
    await untouched(() => restore(plain(), reading(file, statSync(file).size >> 1)), { code: 'restore_failed' });
  });

  test('a table of an engine that is not there, and a newer series', async () => {
    const [table] = dump.tables;
    if (table === undefined) throw new Error('the dump has tables');
    const tables = [...dump.tables, { ...table, name: 'far', engine: 'FEDERATED' }];
    await untouched(() => restore({ ...dump, tables }), {
      code: 'unsupported',
      message: expect.stringContaining(`${table.schema}.far (FEDERATED)`),
    });
    const newer = { ...dump, server: { ...dump.server, version: '11.4.2-MariaDB' } };
    await untouched(() => restore(newer), { code: 'version_mismatch' });
  });

  test('a cancel during the import', async () => {
    const job = testJob((name, self) => {
      if (name === 'materialising') self.cancel();
    });
    await untouched(() => restore(plain(), repository, job), { code: 'cancelled' });
  });
});

test.each(['preparing', 'materialising'])(
  'killed while %s: the next start removes what is left, and the target goes on',
  async (until) => {
    const { pid } = await managedStatus(place.home, target);
    restoreId += 1;
    const request: ChildRequest = {
      root: place.home.root,
      restoreId,
      newIncarnation: randomUUID(),
      target,
      manifest: plain(),
      file: await forged(),
      until,
    };
    const file = join(server.root, 'tmp', 'request.json');
    writeFileSync(file, JSON.stringify(request));
    const child = execa(process.execPath, [join(import.meta.dirname, 'restore-child.ts'), file], { reject: false });
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    child.kill('SIGKILL');
    await child;
    expect((await recoverRestore(place.home, target)).outcome).toBe('cleaned');
    expect(existsSync(stagingOf(placeOf(place.home, target), restoreId).root)).toBe(false);
    expect(place.processes()).toEqual([pid]);
    expect(await managedStatus(place.home, target)).toMatchObject({ status: 'ready', pid });
  },
);
