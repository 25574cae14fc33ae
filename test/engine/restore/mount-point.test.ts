import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { takeDump } from '../../../src/engine/backup/dump.ts';
import { unreadablePart } from '../../../src/engine/mariadb/directory-access.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import { expireKeptData, listKeptData } from '../../../src/engine/restore/kept-data.ts';
import { recoverRestore } from '../../../src/engine/restore/recover.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { isDump } from '../../../src/engine/restore/source.ts';
import { undoRestore } from '../../../src/engine/restore/undo.ts';
import { inputOf, recordedJob } from '../backup/backup-world.ts';
import { register } from '../backup/incremental-world.ts';
import { databaseUser, mountedScene, type OutsideScene } from './outside-scene.ts';
import type { ChildRequest } from './restore-child.ts';
import { testJob } from './sample-backup.ts';
import type { Checksums } from './scene.ts';
import type { UndoChildRequest } from './undo-child.ts';

let scene: OutsideScene;
let old: Checksums;
beforeAll(async () => {
  scene = await mountedScene('command');
});
afterAll(() => scene.dispose());
beforeEach(async () => {
  old = await scene.damage();
});

const expire = () => expireKeptData(scene.where, new Date(Date.now() + 73 * 3_600_000));

test('is restored and undone as any other; the folder inside goes with the last kept data', async () => {
  const { where, target, place, server } = scene;
  const outcome = await restoreBackup(scene.input(), testJob());
  expect(outcome).toMatchObject({ service_running: true, warnings: [] });
  expect(outcome.kept_data).toContain(join(server.datadir, '#skybackup', 'restores', 'data.before-restore-'));
  await scene.expectRunningWith(scene.backedUp);
  for (const name of readdirSync(where.data).filter((each) => each !== '#skybackup' && each !== 'lost+found')) {
    expect([name, lstatSync(join(where.data, name)).uid]).toEqual([name, databaseUser]);
  }

  const [kept] = listKeptData(where);
  if (kept === undefined) throw new Error('nothing is kept');
  const { source: _source, repository: _repository, ...input } = scene.input();
  await undoRestore({ ...input, target, home: place.home, kept }, testJob());
  await scene.expectRunningWith(old);
  expect(listKeptData(where)).toHaveLength(1);
  expect((await expire()).length).toBe(1);
  expect(readdirSync(where.data)).toContain('lost+found');
  expect(existsSync(join(where.data, '#skybackup'))).toBe(false);
});

test.each(['aside', 'in', 'starting'])('an undo that is killed after %s is finished', async (step) => {
  const { where, target, place } = scene;
  await restoreBackup(scene.input(), testJob());
  const [kept] = listKeptData(where);
  if (kept === undefined) throw new Error('nothing is kept');
  const { restoreId, newIncarnation } = scene.input();
  const request: UndoChildRequest = { root: place.home.root, restoreId, newIncarnation, target, kept, until: step };
  const file = join(place.home.root, 'request.json');
  writeFileSync(file, JSON.stringify(request));
  const child = execa(process.execPath, [join(import.meta.dirname, 'undo-child.ts'), file], { reject: false });
  await Promise.race([new Promise<void>((resolve) => child.stdout.once('data', () => resolve())), child]);
  child.kill('SIGKILL');
  const { signal, stderr } = await child;
  expect([signal, stderr]).toEqual(['SIGKILL', '']);
  expect(await recoverRestore(place.home, target)).toMatchObject({ outcome: 'finished', newIncarnation });
  await scene.expectRunningWith(old);
  expect(listKeptData(where)).toMatchObject([{ restore_id: restoreId }]);
  expect(existsSync(kept.path)).toBe(false);
  await expire();
});

test('a failure at any step brings the old data and the old server back', async () => {
  for (const failing of ['sealing', 'aside', 'in', 'starting'] as const) {
    const failure = restoreBackup(scene.input(), testJob(), {
      afterStep: (step) => {
        if (step === failing) throw new Error(`fault after ${step}`);
      },
    });
    await expect(failure).rejects.toMatchObject({ message: `The restore failed: fault after ${failing}` });
    await scene.expectRunningWith(old);
    expect(existsSync(join(scene.where.data, '#skybackup'))).toBe(false);
  }
});

test('something that starts the server again is noticed, also among half of its files', async () => {
  const { scripts } = scene;
  const failure = restoreBackup(scene.input(), testJob(), {
    afterStep: async (step) => {
      if (step !== 'sealing') return;
      execFileSync('/bin/sh', ['-c', scripts.start]);
      await vi.waitUntil(() => scripts.process(), { timeout: 30_000 });
    },
  });
  await expect(failure).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('something started the server again'),
  });
  await scene.expectRunningWith(old);
});

test('a daemon that is the owner of the data restores, with lost+found closed to it', async () => {
  const { place, target, backup } = scene;
  const { restoreId, newIncarnation } = scene.input();
  const { manifest, file } = backup;
  const { root } = place.home;
  const request: ChildRequest = {
    root,
    restoreId,
    newIncarnation,
    target,
    manifest,
    file,
    until: 'none',
    uid: databaseUser,
  };
  const path = join(root, 'request.json');
  writeFileSync(path, JSON.stringify(request));
  const home = [root, ...readdirSync(root, { recursive: true }).map((name) => join(root, String(name)))];
  for (const entry of home) chownSync(entry, databaseUser, databaseUser);
  const restored = await execa(process.execPath, [join(import.meta.dirname, 'restore-child.ts'), path], {
    reject: false,
  });
  expect([restored.exitCode, restored.stderr]).toEqual([0, '']);
  for (const entry of home) if (existsSync(entry)) chownSync(entry, 0, 0);
  await scene.expectRunningWith(scene.backedUp);
  await expire();
});

describe('while data of before a restore are kept inside', () => {
  const as = (uid: number) => ({ uid, gid: uid });
  beforeAll(async () => {
    await restoreBackup(scene.input(), testJob());
  });

  test('the server has no schema more, and dumps and backups of others go on, also their owner’s', async () => {
    const { server } = scene;
    const schemas = await server.sql('SHOW DATABASES');
    expect(schemas).not.toContain('skybackup');
    const args = ['--no-defaults', `--socket=${server.socket}`, '--user=root'];
    // lost+found is theirs to leave out, as ever.
    await execa(findTool('mariadb-dump'), [...args, '--all-databases', '--ignore-database=#mysql50#lost+found'], {
      stdout: 'ignore',
    });
    for (const [user, leaveOut] of [
      [0, []],
      [databaseUser, ['--databases-exclude=lost+found']],
    ] as const) {
      const [stream, folder] = [join(server.root, `${user}.mbstream`), join(server.root, `copy-${user}`)];
      const backup = execa(
        findTool('mariadb-backup'),
        [...args, '--backup', `--datadir=${server.datadir}`, '--stream=mbstream', ...leaveOut],
        {
          ...as(user),
          cwd: server.root,
          stdout: { file: stream },
        },
      );
      expect((await backup).stderr).toContain('completed OK!');
      mkdirSync(folder);
      await execa(findTool('mbstream'), ['-x', '-C', folder], { inputFile: stream });
      expect(readdirSync(folder)).toContain('shop');
      expect(readdirSync(folder)).not.toContain('#skybackup');
    }
  });

  test('our backups of every type hold what the server holds, and no more; each can be restored', async () => {
    const { server } = scene;
    expect(await unreadablePart(server.datadir)).toBeUndefined();
    using shop = register(server);
    const full = await shop.full();
    await server.sql("INSERT INTO shop.settings VALUES ('later', UUID()); DO SLEEP(1.05)");
    const incremental = await shop.incremental();
    const dump = await takeDump(inputOf(server, { repository: shop.repository }), recordedJob());
    const sums = await server.checksums();
    for (const backups of [[full, incremental], [dump]] as const) {
      await server.sql('UPDATE shop.settings SET v = UUID()');
      const source = { backups: [...backups] as [typeof full, ...(typeof full)[]] };
      await restoreBackup(
        scene.input({ source, repository: shop.repository, newIncarnation: randomUUID() }),
        testJob(),
      );
      const restored = await server.checksums();
      // An imported dump makes accounts anew.
      const own = isDump(source) ? Object.keys(sums).filter((name) => name.startsWith('mysql.')) : [];
      for (const name of own) delete restored[name];
      expect(restored).toEqual(Object.fromEntries(Object.entries(sums).filter(([name]) => !own.includes(name))));
      expect(readdirSync(server.datadir).filter((name) => name === 'lost+found')).toHaveLength(1);
    }
  });
});

test('a folder in it that is a mount point itself is refused by name before anything is touched', async () => {
  const { where, scripts } = scene;
  const before = scripts.process();
  const inner = join(where.data, 'shop2');
  mkdirSync(inner);
  execFileSync('mount', ['-t', 'tmpfs', 'none', inner]);
  try {
    await expect(restoreBackup(scene.input(), testJob())).rejects.toMatchObject({
      code: 'unsupported_layout',
      message: expect.stringContaining(`${inner} is a mount point`),
    });
  } finally {
    execFileSync('umount', [inner]);
  }
  expect(scripts.process()).toEqual(before);
});
