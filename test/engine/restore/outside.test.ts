import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { controlOf } from '../../../src/engine/control/server-control.ts';
import { readMarker } from '../../../src/engine/managed/data-marker.ts';
import { signalProcess, waitUntilGone, worksIn } from '../../../src/engine/mariadb/process-identity.ts';
import { expireKeptData, listKeptData } from '../../../src/engine/restore/kept-data.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { undoRestore } from '../../../src/engine/restore/undo.ts';
import { databaseUser, type OutsideScene, outsideScene } from './outside-scene.ts';
import type { ChildRequest } from './restore-child.ts';
import { testJob } from './sample-backup.ts';
import type { Checksums } from './scene.ts';

describe('a server run by two commands, its data another user’s', () => {
  let scene: OutsideScene;
  let old: Checksums;
  beforeAll(async () => {
    scene = await outsideScene('command');
  });
  afterAll(() => scene.dispose());
  beforeEach(async () => {
    old = await scene.damage();
  });

  test('is restored as that user, and every file is as before in owner and mode', async () => {
    const { server, where, scripts } = scene;
    writeFileSync(join(server.datadir, 'server-key.pem'), 'key');
    const before = scripts.process();
    const wanted = scene.input();
    const job = testJob();
    let owners: unknown[] = [];
    const outcome = await restoreBackup(wanted, job, {
      afterStep: (step) => {
        if (step === 'draining') owners = everything(where.beside).map((path) => [path, lstatSync(path).uid]);
      },
    });
    expect(outcome).toMatchObject({ service_running: true, warnings: [], users_from: 'orders' });
    expect(outcome.downtime_ms).toBeGreaterThan(0);
    await scene.expectRunningWith(scene.backedUp);
    const after = scripts.process();
    expect(after?.pid).not.toBe(before?.pid);
    expect(after && worksIn(after.pid, where.data)).toBe(true);
    // The private server was that user, too; the folder beside the data is ours, so that nobody else can put a journal there.
    const ours = new Set([where.beside, where.journal]);
    expect(owners).toEqual(
      owners.map((entry) => [(entry as [string])[0], ours.has((entry as [string])[0]) ? 0 : databaseUser]),
    );
    expect(owners.length).toBeGreaterThan(100);

    expect(outcome.kept_data).toBe(join(where.beside, `data.before-restore-${wanted.restoreId}`));
    const [kept, data] = [lstatSync(outcome.kept_data), lstatSync(where.data)];
    expect([data.uid, data.gid, data.mode]).toEqual([databaseUser, databaseUser, kept.mode]);
    const { mode } = lstatSync(join(outcome.kept_data, 'ibdata1'));
    for (const path of everything(where.data)) {
      const stat = lstatSync(path);
      expect([path, stat.uid, stat.gid]).toEqual([path, databaseUser, databaseUser]);
      if (path.endsWith('.ibd')) expect([path, stat.mode]).toEqual([path, mode]);
    }
    expect(readFileSync(join(where.data, 'server-key.pem'), 'utf8')).toBe('key');
    expect(readMarker(where.data)?.incarnation).toBe(wanted.newIncarnation);
  });

  test('an undo leaves the binary logs of the data that it replaces as they are, so that it can be undone', async () => {
    const { where, target, place } = scene;
    await restoreBackup(scene.input(), testJob());
    await scene.server.sql("FLUSH BINARY LOGS; INSERT INTO shop.settings VALUES ('after', UUID())");
    const after = await scene.server.checksums();
    for (const wanted of [old, after, old]) {
      const kept = listKeptData(where).at(-1);
      if (kept === undefined) throw new Error('nothing is kept');
      const { source: _source, repository: _repository, ...input } = scene.input();
      await undoRestore({ ...input, target, home: place.home, kept }, testJob());
      await scene.expectRunningWith(wanted);
      const replaced = listKeptData(where).at(-1)?.path ?? '';
      const logs = readFileSync(join(replaced, 'binlog.index'), 'utf8').trim().split('\n');
      expect(logs.length).toBeGreaterThan(0);
      for (const log of logs) expect(existsSync(join(replaced, basename(log)))).toBe(true);
    }
    await expireKeptData(where, new Date(Date.now() + 73 * 3_600_000));
  });

  test('every file has the security label of the data of before, and without one nothing is exchanged', async () => {
    const { server, where, place, scripts } = scene;
    const selinux = join(place.home.root, 'selinux');
    mkdirSync(selinux, { recursive: true });
    writeFileSync(join(selinux, 'enforce'), '1');
    const before = scripts.process();
    const refused = restoreBackup(scene.input(), testJob(), { selinux });
    // Files of this machine have no label until one is given: there is nothing to go by.
    await expect(refused).rejects.toMatchObject({
      code: 'restore_failed',
      message: expect.stringMatching(/security label of .*failed to get security context of .*: No data available/),
    });
    expect(scripts.process()).toEqual(before);
    await scene.expectRunningWith(old);

    const label = 'system_u:object_r:mysqld_db_t:s0';
    // What is made beside the data has another one, as below /var/lib.
    execFileSync('chcon', ['system_u:object_r:var_lib_t:s0', server.root]);
    execFileSync('chcon', ['-R', label, server.datadir]);
    await restoreBackup(scene.input(), testJob(), { selinux });
    const labels = (paths: string[]): string[] => [
      ...new Set(
        execFileSync('stat', ['--format=%C', '--', ...paths], { encoding: 'utf8' })
          .trim()
          .split('\n'),
      ),
    ];
    // But for what the server has made since it runs on them: that is for the kernel to label.
    const made = readMarker(where.data)?.created_at ?? '';
    const restored = everything(where.data).filter((path) => lstatSync(path).birthtimeMs < Date.parse(made));
    expect(restored.length).toBeGreaterThan(100);
    expect(labels(restored)).toEqual([label]);
    await scene.expectRunningWith(scene.backedUp);
  });

  test('a failure after the exchange brings the old data and the old server back', async () => {
    for (const failing of ['stopping', 'aside', 'starting'] as const) {
      const failure = restoreBackup(scene.input(), testJob(), {
        afterStep: (step) => {
          if (step === failing) throw new Error(`fault after ${step}`);
        },
      });
      await expect(failure).rejects.toMatchObject({ message: `The restore failed: fault after ${failing}` });
      await scene.expectRunningWith(old);
    }
  });

  test('nobody starts or stops it through us while its data are exchanged', async () => {
    const { place, target } = scene;
    const power = controlOf(place.home, { ...target, server: undefined });
    const turn = { timeoutMs: 5000, warn: () => undefined };
    const refused: unknown[] = [];
    await restoreBackup(scene.input(), testJob(), {
      afterStep: async (step) => {
        if (step !== 'aside') return;
        refused.push(await power.start(turn).catch((error: unknown) => error));
        refused.push(await power.stop(turn).catch((error: unknown) => error));
      },
    });
    expect(refused).toMatchObject([{ code: 'conflict' }, { code: 'conflict' }]);
    await scene.expectRunningWith(scene.backedUp);
  });

  test('something that starts it again is noticed, whenever it does; the data are whole', async () => {
    const { scripts } = scene;
    for (const revived of ['stopping', 'sealing'] as const) {
      let started = 0;
      const failure = restoreBackup(scene.input(), testJob(), {
        afterStep: async (step) => {
          if (step !== revived) return;
          execFileSync('/bin/sh', ['-c', scripts.start]);
          started = (await vi.waitUntil(() => scripts.process(), { timeout: 30_000 })).pid;
        },
      });
      await expect(failure).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('something started the server again'),
      });
      expect(scripts.process()?.pid).toBe(started);
      await scene.expectRunningWith(old);
    }
  });

  test('a target that is killed meanwhile is restored all the same', async () => {
    const { scripts } = scene;
    const job = testJob();
    const outcome = await restoreBackup(scene.input(), job, {
      afterStep: async (step) => {
        const running = scripts.process();
        if (step !== 'draining' || running === undefined) return;
        signalProcess(running, 'SIGKILL');
        await waitUntilGone(running, 10_000);
        // What it would be asked to stop by; a server that died leaves it.
        rmSync(join(scene.server.root, 'pid'));
      },
    });
    expect(outcome).toMatchObject({ service_running: true });
    expect(outcome.warnings).toEqual([expect.stringContaining('The server is gone all the same')]);
    await scene.expectRunningWith(scene.backedUp);
  });

  test('a stop command that is killed leaves the server running as it was', async () => {
    const { target, scripts } = scene;
    const before = scripts.process();
    const control = { kind: 'command', start: scripts.start, stop: 'kill -KILL $$' } as const;
    const failure = restoreBackup(scene.input({ target: { ...target, control } }), testJob());
    await expect(failure).rejects.toMatchObject({
      code: 'service_failed',
      message: expect.stringContaining('SIGKILL'),
    });
    expect(scripts.process()).toEqual(before);
    const pages = await scene.server.sql('SELECT @@innodb_max_dirty_pages_pct, @@innodb_io_capacity');
    expect(pages).toBe('90.000000\t200');
    await scene.expectRunningWith(old);
  });

  test('a daemon that is neither root nor the owner refuses before anything is touched; as the owner it restores', async () => {
    const { place, target, backup, where, scripts } = scene;
    const asUser = async (uid: number) => {
      const { restoreId, newIncarnation } = scene.input();
      const { manifest, file } = backup;
      const { root } = place.home;
      const request: ChildRequest = { root, restoreId, newIncarnation, target, manifest, file, until: 'none', uid };
      const path = join(root, 'request.json');
      writeFileSync(path, JSON.stringify(request));
      for (const entry of everything(root)) chownSync(entry, uid, uid);
      return execa(process.execPath, [join(import.meta.dirname, 'restore-child.ts'), path], { reject: false });
    };
    await expireKeptData(where, new Date(Date.now() + 73 * 3_600_000));
    const before = scripts.process();
    const refused = await asUser(databaseUser + 1);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`belong to user id ${databaseUser} and this daemon runs as ${databaseUser + 1}`);
    expect(scripts.process()).toEqual(before);
    expect(existsSync(where.beside)).toBe(false);
    await scene.expectRunningWith(old);

    const restored = await asUser(databaseUser);
    expect([restored.exitCode, restored.stderr]).toEqual([0, '']);
    await scene.expectRunningWith(scene.backedUp);
    for (const entry of everything(place.home.root)) chownSync(entry, 0, 0);
  });

  test('one that is down is restored, proven, and stopped again', async () => {
    const { place, target, scripts } = scene;
    const power = controlOf(place.home, { ...target, server: undefined });
    const turn = { timeoutMs: 60_000, warn: () => undefined };
    await power.stop(turn);
    const job = testJob();
    const outcome = await restoreBackup(scene.input(), job);
    expect(outcome).toMatchObject({ service_running: false, downtime_ms: 0 });
    expect(job.warnings).toEqual([expect.stringContaining('login of skybackup on orders could not be read')]);
    expect(scripts.process()).toBeUndefined();
    await power.start(turn);
    await scene.expectRunningWith(scene.backedUp);
  });

  test('kept data go with their time, and the folder beside the data with the last of them', async () => {
    const { where } = scene;
    expect(listKeptData(where).length).toBeGreaterThan(0);
    await expireKeptData(where, new Date(Date.now() + 73 * 3_600_000));
    expect(existsSync(where.beside)).toBe(false);
  });
});

function everything(directory: string): string[] {
  return [directory, ...readdirSync(directory, { recursive: true }).map((name) => join(directory, String(name)))];
}

test('what cannot be exchanged is refused by name before anything is touched', async () => {
  const scene = await outsideScene('command', { args: (root) => [`--log-bin-index=${join(root, 'elsewhere.index')}`] });
  try {
    const { scripts, where, target } = scene;
    const before = scripts.process();
    const failure = (change: object) => restoreBackup(scene.input({ target: { ...target, ...change } }), testJob());
    await expect(failure({})).rejects.toMatchObject({
      code: 'unsupported_layout',
      message: expect.stringMatching(/^log_bin_index is .*elsewhere\.index: /),
    });
    await expect(failure({ control: { kind: 'none' } })).rejects.toMatchObject({ code: 'unsupported' });
    await expect(failure({ datadir: undefined })).rejects.toMatchObject({ code: 'unsupported' });
    await expect(failure({ datadir: '/nowhere/at/all' })).rejects.toMatchObject({ code: 'wrong_data_directory' });
    // Another server's directory: what would be moved is not what answers.
    await expect(failure({ datadir: scene.server.root })).rejects.toMatchObject({ code: 'wrong_data_directory' });
    symlinkSync('/tmp', join(where.data, 'linked'));
    await expect(failure({})).rejects.toMatchObject({
      code: 'unsupported_layout',
      message: expect.stringContaining('linked'),
    });
    expect(scripts.process()).toEqual(before);
    expect(existsSync(where.beside)).toBe(false);
  } finally {
    await scene.dispose();
  }
});
