import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import type { Control } from '../../../src/contract/services.ts';
import { processesTagged } from '../../../src/engine/mariadb/process-identity.ts';
import { type DataPlace, placeOf } from '../../../src/engine/restore/data-place.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { type CommandedServer, commanded, unit } from '../../servers/commanded.ts';
import { type TestHome, temporaryHome } from '../../servers/managed.ts';
import { type MariadbdOptions, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { mountPoint } from '../../servers/mounted.ts';
import type { ChildRequest } from './restore-child.ts';
import { type SampleBackup, sampleRepository, sqlOn, takeSampleBackup } from './sample-backup.ts';
import { type Checksums, damageSql, type Scene, sampleSql } from './scene.ts';

/** A user by number alone; nobody has to know it by a name. */
export const databaseUser = 4321;

/** A server that others run, whose data belong to another user, with a backup of it and data that changed since. */
export interface OutsideScene extends Pick<Scene, 'input' | 'damage'> {
  place: TestHome;
  server: TestMariadbd;
  scripts: CommandedServer;
  target: ServiceRecord;
  where: DataPlace;
  backup: SampleBackup;
  backedUp: Checksums;
  /** That the server runs with these data, and nothing is left of the restore but kept data. */
  expectRunningWith(wanted: Checksums): Promise<void>;
  dispose(): Promise<void>;
}

/** One whose data directory is the root of an ext4 file system, where `lost+found` is root's. */
export async function mountedScene(kind: 'command' | 'systemd', options: MariadbdOptions = {}): Promise<OutsideScene> {
  const disk = mountPoint();
  try {
    const scene = await outsideScene(kind, { ...options, datadir: disk.path });
    chownSync(join(disk.path, 'lost+found'), 0, 0);
    return {
      ...scene,
      async dispose() {
        await scene.dispose();
        disk.dispose();
      },
    };
  } catch (error) {
    disk.dispose();
    throw error;
  }
}

let restoreId = 0;

export async function outsideScene(
  kind: 'command' | 'systemd',
  options: MariadbdOptions & {
    registered?: (server: TestMariadbd) => string;
    /** Hands the stopped server over to a systemd, and returns the name of its unit. */
    unitOf?: (server: TestMariadbd) => Promise<string>;
  } = {},
): Promise<OutsideScene> {
  const place = temporaryHome();
  const server = await startMariadbd({ owner: databaseUser, ...options });
  // As /var/lib is: others may pass through.
  chmodSync(server.root, 0o755);
  const scripts = commanded(server);
  const defaultsFile = join(place.home.root, 'client.cnf');
  writeFileSync(defaultsFile, `[client]\nuser=root\nsocket=${server.socket}\n`, { mode: 0o600 });
  if (options.unitOf !== undefined) await server.down();
  const handedOver = await options.unitOf?.(server);
  const control: Control =
    kind === 'systemd'
      ? { kind, unit: handedOver ?? unit }
      : { kind: 'command', start: scripts.start, stop: scripts.stop };
  const target: ServiceRecord = {
    id: 'orders',
    name: 'orders',
    control,
    connection: { socket: server.socket, defaults_file: defaultsFile },
    datadir: options.registered?.(server) ?? server.datadir,
    incarnation: randomUUID(),
    created_at: new Date().toISOString(),
  };
  await sqlOn(target, sampleSql);
  const backedUp = await server.checksums();
  mkdirSync(place.home.repository, { recursive: true });
  const backup = await takeSampleBackup(target, place.home.repository);
  const where = placeOf(place.home, target);
  return {
    place,
    server,
    scripts,
    target,
    where,
    backup,
    backedUp,
    input: (change = {}) => {
      restoreId += 1;
      return {
        restoreId,
        target,
        source: { backups: [backup.manifest] },
        repository: sampleRepository(backup),
        home: place.home,
        newIncarnation: randomUUID(),
        highestGtids: '',
        beforeSwap: () => {},
        ...change,
      };
    },
    damage: async () => {
      await sqlOn(target, damageSql);
      return server.checksums();
    },
    async expectRunningWith(wanted) {
      expect(await server.checksums()).toEqual(wanted);
      const left = existsSync(where.beside) ? readdirSync(where.beside) : [];
      expect(left.filter((name) => !/^data\.before-restore-\d+(\.json)?$/.test(name))).toEqual([]);
      expect(existsSync(place.home.swaps) ? readdirSync(place.home.swaps) : []).toEqual([]);
      expect(existsSync(join(server.root, 'masked'))).toBe(false);
      expect(place.processes()).toEqual([]);
      for (const name of left) expect(processesTagged('SKB_DIRECTORY', join(where.beside, name))).toEqual([]);
    },
    async dispose() {
      await scripts.dispose();
      await server.stop();
      await place.dispose();
    },
  };
}

/** Runs a restore in a process of its own and kills that once it has come so far. */
export async function killRestore(
  scene: OutsideScene,
  until: string,
): Promise<{ restoreId: number; newIncarnation: string }> {
  const { place, target, backup } = scene;
  const { restoreId } = scene.input();
  const newIncarnation = randomUUID();
  const { manifest, file } = backup;
  const request: ChildRequest = { root: place.home.root, restoreId, newIncarnation, target, manifest, file, until };
  const path = join(place.home.root, 'request.json');
  writeFileSync(path, JSON.stringify(request));
  const child = execa(process.execPath, [join(import.meta.dirname, 'restore-child.ts'), path], { reject: false });
  await Promise.race([new Promise<void>((resolve) => child.stdout.once('data', () => resolve())), child]);
  child.kill('SIGKILL');
  const { signal, stderr } = await child;
  expect([signal, stderr]).toEqual(['SIGKILL', '']);
  return { restoreId, newIncarnation };
}
