import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { containsGtids } from '../../../src/engine/mariadb/gtid.ts';
import { expireKeptData, listKeptData } from '../../../src/engine/restore/kept-data.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { undoRestore } from '../../../src/engine/restore/undo.ts';
import { unit } from '../../servers/commanded.ts';
import { databaseUser, type OutsideScene, outsideScene } from './outside-scene.ts';
import { testJob } from './sample-backup.ts';

describe('a systemd unit whose data directory is reached by a link and whose binary logs lie elsewhere', () => {
  let scene: OutsideScene;
  let logs: string;
  beforeAll(async () => {
    vi.stubEnv('PATH', process.env.PATH);
    scene = await outsideScene('systemd', {
      logBin: 'logs/mariadb-bin',
      registered: (server) => {
        const link = join(server.root, 'link');
        symlinkSync('data', link);
        return link;
      },
    });
    logs = join(scene.server.root, 'logs');
  });
  afterAll(() => scene.dispose());
  beforeEach(() => void vi.stubEnv('PATH', `${scene.scripts.systemctl}:${process.env.PATH}`));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(join(scene.server.root, 'in-etc'), { force: true });
  });

  test('is masked from its stop to its start, and nobody starts it meanwhile', async () => {
    const { server, scripts, where } = scene;
    await scene.damage();
    writeFileSync(scripts.calls, '');
    const tries: unknown[] = [];
    const outcome = await restoreBackup(scene.input(), testJob(), {
      afterStep: async (step) => {
        if (step !== 'stopping' && step !== 'aside' && step !== 'in') return;
        const args = ['start', '--no-ask-password', '--', unit];
        const { exitCode } = await execa(join(scripts.systemctl, 'systemctl'), args, { reject: false });
        tries.push([exitCode, scripts.process()]);
      },
    });
    expect(tries).toEqual([
      [1, undefined],
      [1, undefined],
      [1, undefined],
    ]);
    expect(outcome.warnings).toEqual([]);
    const verbs = readFileSync(scripts.calls, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('|')[0]);
    expect(verbs.filter((verb) => verb !== 'is-active' && verb !== 'show')).toEqual([
      ...['stop', 'mask', 'start', 'start', 'start', 'unmask', 'start'],
    ]);
    expect(readFileSync(scripts.calls, 'utf8')).toContain(`mask|--runtime|--no-ask-password|--|${unit}|`);
    expect(lstatSync(join(server.root, 'link')).isSymbolicLink()).toBe(true);
    expect(where.data).toBe(server.datadir);
    await scene.expectRunningWith(scene.backedUp);
  });

  test('its old logs are moved aside, ids are not issued twice, and a failure brings the logs back', async () => {
    const { server } = scene;
    const issued = new Set<string>();
    const commit = async (): Promise<string> => {
      const id = await server.sql('UPDATE shop.generation SET v = UUID(); SELECT @@last_gtid');
      expect(issued.has(id)).toBe(false);
      issued.add(id);
      return id;
    };
    await commit();
    await server.sql('FLUSH BINARY LOGS');
    await commit();
    const before = names(logs).filter((name) => !name.includes('before'));
    const kept = await server.checksums();
    const failure = restoreBackup(scene.input(), testJob(), {
      afterStep: (step) => {
        if (step === 'starting') throw new Error('fault');
      },
    });
    await expect(failure).rejects.toThrow('fault');
    expect(names(logs)).toEqual(expect.arrayContaining(before));
    expect(await server.sql('SHOW BINARY LOGS')).toContain('mariadb-bin.000001');
    await scene.expectRunningWith(kept);
    const last = await commit();

    const wanted = scene.input();
    await restoreBackup(wanted, testJob());
    expect(names(logs).filter((name) => !name.includes('before'))).toEqual(['mariadb-bin.000001', 'mariadb-bin.index']);
    expect(names(join(logs, `mariadb-bin.before-restore-${wanted.restoreId}`))).toEqual(
      expect.arrayContaining([...before, 'mariadb-bin.state']),
    );
    expect(await server.sql('SELECT @@gtid_binlog_state')).toContain(last);
    expect(Number((await commit()).split('-')[2])).toBeGreaterThan(Number(last.split('-')[2]));
    await expireKeptData(scene.where, new Date(Date.now() + 73 * 3_600_000));
    expect(names(logs).filter((name) => name.includes('before'))).toEqual([]);
  });

  test('a restore of it is undone: the data of before are served again, and no id is issued twice', async () => {
    const { target, where, server } = scene;
    const before = await scene.damage();
    const last = await server.sql('SELECT @@gtid_binlog_state');
    await restoreBackup(scene.input(), testJob());
    const [kept] = listKeptData(where).slice(-1);
    if (kept === undefined) throw new Error('nothing was kept');
    const { repository: _, source: __, ...input } = scene.input({ highestGtids: last });
    const outcome = await undoRestore({ ...input, target, kept }, testJob());
    expect(outcome).toMatchObject({ service_running: true });
    await scene.expectRunningWith(before);
    expect(containsGtids(await server.sql('SELECT @@gtid_binlog_state'), last)).toBe(true);
    expect(lstatSync(where.data).uid).toBe(databaseUser);
    expect(existsSync(kept.path)).toBe(false);
  });

  test('a unit file that cannot be masked at run time is said, and the restore goes on', async () => {
    writeFileSync(join(scene.server.root, 'in-etc'), '');
    const outcome = await restoreBackup(scene.input(), testJob());
    expect(outcome.warnings).toEqual([expect.stringMatching(/noticed, and not prevented.*loaded/)]);
    await scene.expectRunningWith(scene.backedUp);
  });
});

const names = (folder: string): string[] => readdirSync(folder).sort();
