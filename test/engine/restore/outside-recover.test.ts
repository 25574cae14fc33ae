import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readMarker } from '../../../src/engine/managed/data-marker.ts';
import { isAlive, signalProcess, waitUntilGone } from '../../../src/engine/mariadb/process-identity.ts';
import { swapSteps } from '../../../src/engine/restore/journal.ts';
import { listKeptData } from '../../../src/engine/restore/kept-data.ts';
import { recoverRestore } from '../../../src/engine/restore/recover.ts';
import { notedTargets } from '../../../src/engine/restore/swap-notes.ts';
import type { MariadbdOptions } from '../../servers/mariadbd.ts';
import { killRestore, mountedScene, type OutsideScene, outsideScene } from './outside-scene.ts';
import type { Checksums } from './scene.ts';

const layouts = {
  'an ordinary folder': (options: MariadbdOptions) => outsideScene('systemd', options),
  'a mount point': (options: MariadbdOptions) => mountedScene('systemd', options),
};

describe.each(['an ordinary folder', 'a mount point'] as const)('the data directory is %s', (layout) => {
  /** A unit whose data belong to another user and whose binary logs lie elsewhere: everything that has to move. */
  let scene: OutsideScene;
  let old: Checksums;
  let logs: string[];
  beforeAll(async () => {
    scene = await layouts[layout]({ logBin: 'logs/mariadb-bin' });
  });
  afterAll(() => scene.dispose());
  beforeEach(async () => {
    vi.stubEnv('PATH', `${scene.scripts.systemctl}:${process.env.PATH}`);
    old = await scene.damage();
    logs = logNames();
  });
  afterEach(() => vi.unstubAllEnvs());

  const leftBeside = (): string[] => (existsSync(scene.where.beside) ? readdirSync(scene.where.beside) : []);
  const logNames = (): string[] => readdirSync(join(scene.server.root, 'logs')).sort();

  const killedAt = (until: string) => killRestore(scene, until);

  describe('killed during the exchange, the state lost', () => {
    const goesBack = new Set(['draining', 'stopping', 'sealing']);
    for (const step of swapSteps.filter((name) => name !== 'closing')) {
      test(`after ${step}: ${goesBack.has(step) ? 'the old data' : 'the new data'}, whole, and served`, async () => {
        const { place, where } = scene;
        const before = readMarker(where.data)?.incarnation;
        const killed = await killedAt(step);
        // All that a daemon without its state has to go by.
        const [noted] = notedTargets(place.home);
        if (noted === undefined) throw new Error('nothing was noted');
        expect(noted).toEqual({
          id: 'orders',
          control: scene.target.control,
          connection: scene.target.connection,
          datadir: scene.target.datadir,
        });
        const recovered = await recoverRestore(place.home, noted);
        expect(recovered.restoreId).toBe(killed.restoreId);
        if (goesBack.has(step)) {
          expect(recovered).toMatchObject({ outcome: 'reversed' });
          expect(readMarker(where.data)?.incarnation).toBe(before);
          expect(logNames()).toEqual(expect.arrayContaining(logs));
          await scene.expectRunningWith(old);
        } else {
          expect(recovered).toMatchObject({ outcome: 'finished', newIncarnation: killed.newIncarnation });
          expect(readMarker(where.data)?.incarnation).toBe(killed.newIncarnation);
          expect(listKeptData(where).at(-1)).toEqual(recovered.kept);
          await scene.expectRunningWith(scene.backedUp);
        }
        expect(await recoverRestore(place.home, noted)).toEqual({ outcome: 'nothing', detail: '' });
      });
    }
  });

  test('killed while it unpacked: the target went on, what was unpacked is removed', async () => {
    const { place, scripts } = scene;
    const before = scripts.process();
    await killedAt('proving');
    const [noted] = notedTargets(place.home);
    expect(await recoverRestore(place.home, noted ?? scene.target)).toMatchObject({ outcome: 'cleaned' });
    expect(scripts.process()).toEqual(before);
    expect(leftBeside().filter((name) => name.startsWith('staging'))).toEqual([]);
    await scene.expectRunningWith(old);
  });

  test('killed while it was taken back: that is finished', async () => {
    const { place, target, where, scripts } = scene;
    await killedAt('starting');
    const journal = JSON.parse(await execa('cat', [where.journal]).then(({ stdout }) => stdout)) as object;
    writeFileSync(where.journal, JSON.stringify({ ...journal, reversing: true }));
    const running = scripts.process();
    const recovered = await recoverRestore(place.home, target);
    expect(recovered).toMatchObject({ outcome: 'reversed', detail: expect.stringContaining('taken back') });
    expect(running && isAlive(running)).toBe(false);
    expect(logNames()).toEqual(expect.arrayContaining(logs));
    await scene.expectRunningWith(old);
  });

  test('killed with the machine: nothing runs, and the mask is gone', async () => {
    const { place, target, scripts, server } = scene;
    await killedAt('starting');
    const running = scripts.process();
    if (running !== undefined) {
      signalProcess(running, 'SIGKILL');
      await waitUntilGone(running, 10_000);
    }
    expect(existsSync(join(server.root, 'masked'))).toBe(false);
    expect((await recoverRestore(place.home, target)).outcome).toBe('finished');
    await scene.expectRunningWith(scene.backedUp);
  });

  test('another’s journal is not believed: it could have anything moved', async () => {
    const { place, target, where } = scene;
    await killedAt('draining');
    await execa('chown', ['4321', where.journal]);
    await expect(recoverRestore(place.home, target)).rejects.toMatchObject({
      code: 'restore_failed',
      message: expect.stringContaining('cannot be read'),
    });
    await execa('chown', ['0', where.journal]);
    expect((await recoverRestore(place.home, target)).outcome).toBe('reversed');
    await scene.expectRunningWith(old);
  });
});
