import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeFullBackup } from '../../../src/engine/backup/full.ts';
import { managedStatus, startManagedServer, stopManagedServer } from '../../../src/engine/managed/managed-server.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import type { ObjectStore } from '../../../src/engine/storage/object-store.ts';
import { managedService, type TestHome, temporaryHome } from '../../servers/managed.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { noLineage } from '../backup/backup-world.ts';
import { corruptingStore } from '../repository/corrupting-store.ts';
import { testJob } from './sample-backup.ts';

let place: TestHome;
let source: TestMariadbd;
let target: ServiceRecord;
let store: ObjectStore;

/** Files that a server with default options cannot open. */
const unusual = ['--innodb-page-size=8k', '--innodb-data-file-path=system1:20M;system2:10M:autoextend'];

beforeAll(async () => {
  place = temporaryHome();
  source = await startMariadbd({
    seed: true,
    installArgs: unusual,
    args: [...unusual, '--lower-case-table-names=1', '--character-set-server=latin2'],
  });
  target = await managedService(place.home, 'target');
  store = localDirectory(place.home.repository);
});
afterAll(async () => {
  await source.stop();
  await place.dispose();
});

function backUp(): Promise<Manifest> {
  const service: ServiceRecord = {
    id: 'source',
    name: 'source',
    control: { kind: 'none' },
    connection: source.connection,
    datadir: source.datadir,
    incarnation: randomUUID(),
    created_at: new Date().toISOString(),
  };
  const backupId = `${randomUUID().replaceAll('-', '')}:source:pod`;
  return takeFullBackup(
    {
      service,
      backupId,
      repository: openRepository(store, { blockBytes: 100_000 }),
      lineage: noLineage,
      beforePublish: () => {},
    },
    testJob(),
  );
}

let restoreId = 0;
function restore(manifest: Manifest, from: ObjectStore = store) {
  restoreId += 1;
  return restoreBackup(
    {
      restoreId,
      target,
      source: { backups: [manifest] },
      repository: openRepository(from),
      home: place.home,
      newIncarnation: randomUUID(),
      highestGtids: '',
      beforeSwap: () => {},
    },
    testJob(),
  );
}

test('a backup taken under a write load is restored with its own page size, files and character set, for good', async () => {
  await source.sql('CREATE TABLE shop.transfers (id INT AUTO_INCREMENT PRIMARY KEY, amount INT) ENGINE=InnoDB');
  const before = await checksums(source.connection);
  const writer = await connect(source.connection);
  let writing = true;
  const load = (async () => {
    while (writing) {
      await writer.query('BEGIN');
      await writer.query('INSERT INTO shop.transfers (amount) VALUES (7), (-3)');
      await writer.query('INSERT INTO shop.transfers (amount) VALUES (-4)');
      await writer.query('COMMIT');
    }
  })();
  const manifest = await backUp();
  writing = false;
  await load;
  await writer.close();
  const outcome = await restore(manifest);
  expect(outcome).toMatchObject({ users_from: 'source', service_running: true });

  // A second start has to know the files' options as the first one did.
  await stopManagedServer(place.home, target);
  await startManagedServer(place.home, target);
  const connection = await connect(target.connection);
  const [facts] = await connection.query<Record<string, unknown>>(
    'SELECT @@innodb_page_size AS page, @@lower_case_table_names AS lower_names, @@character_set_server AS charset',
  );
  const [sums] = await connection.query<{ total: number; n: number }>(
    'SELECT COALESCE(SUM(amount), 0) AS total, COUNT(*) AS n FROM shop.transfers',
  );
  await connection.close();
  expect(facts).toEqual({ page: 8192, lower_names: 1, charset: 'latin2' });
  expect([sums?.total, (sums?.n ?? 1) % 3]).toEqual([0, 0]);
  expect(unrelated(await checksums(target.connection))).toEqual(unrelated(before));
});

test('a single changed bit in the stored object is found, and the target goes on', async () => {
  const manifest = await backUp();
  const { key, bytes } = manifest.objects[0];
  const { pid } = await managedStatus(place.home, target);
  const damaged = corruptingStore(store, key, { kind: 'flip', at: Math.floor(bytes / 2), bit: 3 }, 65_536);
  await expect(restore(manifest, damaged)).rejects.toMatchObject({
    code: 'backup_damaged',
    message: expect.stringContaining(manifest.id),
  });
  expect(await managedStatus(place.home, target)).toMatchObject({ status: 'ready', pid });
});

/** Without what the load changes, and what the target's own account changes. */
function unrelated(sums: Record<string, number | null>): Record<string, number | null> {
  const own = new Set(['shop.transfers', 'mysql.global_priv']);
  return Object.fromEntries(Object.entries(sums).filter(([name]) => !own.has(name)));
}
