import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { lookAtForeign, type NamedObject } from '../../../src/engine/foreign/foreign-backup.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { databaseUser, type OutsideScene, outsideScene } from '../restore/outside-scene.ts';
import { testJob } from '../restore/sample-backup.ts';
import type { Checksums } from '../restore/scene.ts';

/** A server of one's own, whose data belong to another user than the daemon's. */
let scene: OutsideScene;
beforeAll(async () => {
  scene = await outsideScene('command');
});
beforeEach(() => scene.damage());
afterAll(() => scene.dispose());

function object(path: string, method: NamedObject['method']): NamedObject {
  const store = localDirectory(dirname(path));
  return { store, key: basename(path), url: `${store.url}/${basename(path)}`, method, encryptionKey: undefined };
}

const shell = (script: string) =>
  execa('bash', ['-o', 'pipefail', '-c', script], {
    cwd: scene.place.home.repository,
    env: { SOCKET: scene.server.socket, FILE: scene.backup.file },
  });

/** Without what a dump cannot bring: history of rows, and when an account was made. */
const rows = (all: Checksums): Checksums =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !/^mysql\.|^shop\.prices$/.test(name)));

test.each(['an mbstream', 'a tar'])('%s: its files belong to whom the data belonged', async (kind) => {
  const path = join(scene.place.home.repository, 'unpacked.tar');
  if (kind === 'a tar') {
    await shell(
      'mkdir unpacked && zstd -dc "$FILE" | mbstream -x -C unpacked && tar -cf unpacked.tar unpacked && rm -r unpacked',
    );
  }
  const source = await lookAtForeign(object(kind === 'a tar' ? path : scene.backup.file, 'mariabackup'));
  const job = testJob();
  const outcome = await restoreBackup(scene.input({ source }), job);
  expect(outcome).toMatchObject({ service_running: true, users_from: source.foreign.object.url });
  await scene.expectRunningWith(scene.backedUp);
  const owners = readdirSync(scene.server.datadir, { recursive: true }).map(
    (name) => statSync(join(scene.server.datadir, String(name))).uid,
  );
  expect(new Set(owners)).toEqual(new Set([databaseUser]));
  expect(readFileSync(join(scene.server.datadir, 'ibdata1')).length).toBeGreaterThan(0);
});

test('a dump of some databases: the accounts of the server stay', async () => {
  await scene.server.sql("CREATE USER IF NOT EXISTS clerk@localhost IDENTIFIED BY 'clerk-secret'");
  await shell(
    'mariadb-dump --no-defaults --user=root --socket="$SOCKET" --databases shop "odd name-1" --routines --events | gzip > some.sql.gz',
  );
  const before = await scene.server.checksums();
  await scene.damage();
  const source = await lookAtForeign(object(join(scene.place.home.repository, 'some.sql.gz'), 'mysqldump'));
  const outcome = await restoreBackup(scene.input({ source }), testJob());
  expect(outcome).toMatchObject({ service_running: true, users_from: scene.target.id });
  const after = await scene.server.checksums();
  expect(rows(after)).toEqual(rows(before));
  expect(await scene.server.sql("SELECT user FROM mysql.global_priv WHERE user = 'clerk'")).toContain('clerk');
  await scene.expectRunningWith(after);
});
