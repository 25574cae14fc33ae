import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readMarker } from '../../../src/engine/managed/data-marker.ts';
import { type ManagedLayout, managedLayout } from '../../../src/engine/managed/layout.ts';
import { managedStatus, startManagedServer } from '../../../src/engine/managed/managed-server.ts';
import { identify, signalProcess, waitUntilGone } from '../../../src/engine/mariadb/process-identity.ts';
import { placeOf } from '../../../src/engine/restore/data-place.ts';
import { swapSteps } from '../../../src/engine/restore/journal.ts';
import { listKeptData } from '../../../src/engine/restore/kept-data.ts';
import { recoverRestore } from '../../../src/engine/restore/recover.ts';
import { stagingOf } from '../../../src/engine/restore/staging.ts';
import { checksums } from '../../servers/mariadbd.ts';
import type { ChildRequest } from './restore-child.ts';
import { type Checksums, makeScene, type Scene } from './scene.ts';

let scene: Scene;
let layout: ManagedLayout;
let old: Checksums;

beforeAll(async () => {
  scene = await makeScene();
  layout = managedLayout(scene.place.home, scene.target.id);
});
afterAll(() => scene.place.dispose());
beforeEach(async () => {
  old = await scene.damage();
});

interface Killed {
  restoreId: number;
  newIncarnation: string;
}

/** Runs a restore in a process of its own and kills that, without warning, at the named phase or after the named step. */
async function killedAt(until: string): Promise<Killed> {
  const { restoreId } = scene.input();
  const newIncarnation = randomUUID();
  const request: ChildRequest = {
    root: scene.place.home.root,
    restoreId,
    newIncarnation,
    target: scene.target,
    manifest: scene.backup.manifest,
    file: scene.backup.file,
    until,
  };
  const file = join(scene.place.home.root, 'request.json');
  writeFileSync(file, JSON.stringify(request));
  const child = execa(process.execPath, [join(import.meta.dirname, 'restore-child.ts'), file], { reject: false });
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  child.kill('SIGKILL');
  const { signal, stderr } = await child;
  expect([signal, stderr]).toEqual(['SIGKILL', '']);
  return { restoreId, newIncarnation };
}

async function expectRunningWith(wanted: Checksums): Promise<void> {
  expect((await managedStatus(scene.place.home, scene.target)).status).toBe('ready');
  expect(await checksums(scene.target.connection)).toEqual(wanted);
  expect(existsSync(layout.journal)).toBe(false);
  await scene.expectTidy();
  expect(await recoverRestore(scene.place.home, scene.target)).toEqual({ outcome: 'nothing', detail: '' });
}

describe('killed before the exchange', () => {
  for (const phase of ['materialising', 'preparing', 'proving']) {
    test(`while ${phase}: the target went on, what was unpacked is removed`, async () => {
      const { pid } = await managedStatus(scene.place.home, scene.target);
      await killedAt(phase);
      expect((await recoverRestore(scene.place.home, scene.target)).outcome).toBe('cleaned');
      expect((await managedStatus(scene.place.home, scene.target)).pid).toBe(pid);
      await expectRunningWith(old);
    });
  }
});

describe('killed during the exchange', () => {
  const goesBack = new Set(['draining', 'stopping', 'sealing']);
  for (const step of swapSteps.filter((name) => name !== 'closing')) {
    test(`after ${step}: ${goesBack.has(step) ? 'reversed' : 'finished'}`, async () => {
      const before = readMarker(layout.data)?.incarnation;
      const killed = await killedAt(step);
      // A second start of the server by someone who does not know of the exchange would make a mess.
      await expect(startManagedServer(scene.place.home, scene.target)).rejects.toMatchObject({ code: 'conflict' });
      const recovered = await recoverRestore(scene.place.home, scene.target);
      expect(recovered.restoreId).toBe(killed.restoreId);
      if (goesBack.has(step)) {
        expect(recovered).toMatchObject({ outcome: 'reversed' });
        expect(readMarker(layout.data)?.incarnation).toBe(before);
        await expectRunningWith(old);
      } else {
        expect(recovered).toMatchObject({ outcome: 'finished', newIncarnation: killed.newIncarnation });
        expect(readMarker(layout.data)?.incarnation).toBe(killed.newIncarnation);
        expect(recovered.kept).toMatchObject({ incarnation: before, restore_id: killed.restoreId });
        expect(listKeptData(placeOf(scene.place.home, scene.target)).at(-1)).toEqual(recovered.kept);
        await expectRunningWith(scene.backedUp);
      }
    });
  }

  test('after closing: the restore was done', async () => {
    const killed = await killedAt('closing');
    expect((await recoverRestore(scene.place.home, scene.target)).outcome).toBe('cleaned');
    expect(readMarker(layout.data)?.incarnation).toBe(killed.newIncarnation);
    await expectRunningWith(scene.backedUp);
  });

  test('with the machine: the restored server was killed as well', async () => {
    await killedAt('starting');
    for (const pid of scene.place.processes()) {
      const identity = identify(pid) ?? { pid, start_time: '' };
      signalProcess(identity, 'SIGKILL');
      await waitUntilGone(identity, 10_000);
    }
    expect((await recoverRestore(scene.place.home, scene.target)).outcome).toBe('finished');
    await expectRunningWith(scene.backedUp);
  });

  test('and the restored server does not start at the recovery: the old data come back', async () => {
    const killed = await killedAt('aside');
    writeFileSync(
      join(stagingOf(placeOf(scene.place.home, scene.target), killed.restoreId).data, 'aria_log_control'),
      Buffer.alloc(52),
    );
    const recovered = await recoverRestore(scene.place.home, scene.target);
    expect(recovered.outcome).toBe('reversed');
    expect(recovered.detail).toContain('did not start');
    await expectRunningWith(old);
  });

  test('and what was proven does not run later: it is kept, since clients may have written to it', async () => {
    const killed = await killedAt('starting');
    const [pid = 0] = scene.place.processes();
    const identity = identify(pid) ?? { pid, start_time: '' };
    signalProcess(identity, 'SIGTERM');
    await waitUntilGone(identity, 30_000);
    const journal = JSON.parse(readFileSync(layout.journal, 'utf8')) as object;
    writeFileSync(layout.journal, JSON.stringify({ ...journal, step: 'closing' }));
    const control = join(layout.data, 'aria_log_control');
    const whole = readFileSync(control);
    writeFileSync(control, Buffer.alloc(whole.length));
    const recovered = await recoverRestore(scene.place.home, scene.target);
    expect(recovered).toMatchObject({ outcome: 'finished', newIncarnation: killed.newIncarnation });
    expect(recovered.detail).toContain('does not run');
    writeFileSync(control, whole);
    await startManagedServer(scene.place.home, scene.target);
    await expectRunningWith(scene.backedUp);
  });

  test('and somebody moved the directories: nothing is touched until a person has looked', async () => {
    const killed = await killedAt('aside');
    const [kept, elsewhere] = [
      join(layout.root, `data.before-restore-${killed.restoreId}`),
      join(layout.root, 'elsewhere'),
    ];
    renameSync(kept, elsewhere);
    const journal = readFileSync(layout.journal, 'utf8');
    for (let tries = 0; tries < 2; tries += 1) {
      await expect(recoverRestore(scene.place.home, scene.target)).rejects.toMatchObject({
        code: 'restore_failed',
        message: expect.stringContaining('are not where the journal'),
      });
    }
    expect(readFileSync(layout.journal, 'utf8')).toBe(journal);
    renameSync(elsewhere, kept);
    expect((await recoverRestore(scene.place.home, scene.target)).outcome).toBe('finished');
    await expectRunningWith(scene.backedUp);
  });

  test('and its journal is damaged: nothing is guessed', async () => {
    writeFileSync(layout.journal, '{"format":1');
    await expect(recoverRestore(scene.place.home, scene.target)).rejects.toMatchObject({
      code: 'restore_failed',
      message: expect.stringContaining('cannot be read'),
    });
    renameSync(layout.journal, join(scene.place.home.root, 'damaged-journal'));
    await expectRunningWith(old);
  });
});

test('a service that was never restored, or does not exist, needs no recovery', async () => {
  expect(await recoverRestore(scene.place.home, scene.target)).toEqual({ outcome: 'nothing', detail: '' });
  expect(await recoverRestore(scene.place.home, { ...scene.target, id: 'nobody' })).toEqual({
    outcome: 'nothing',
    detail: '',
  });
});

test('killed while it wrote into its journal: the draft is removed and never read as one', async () => {
  writeFileSync(`${layout.journal}.draft`, '{"format":1,"serv');
  expect(await recoverRestore(scene.place.home, scene.target)).toEqual({ outcome: 'nothing', detail: '' });
  expect(existsSync(`${layout.journal}.draft`)).toBe(false);
  await expectRunningWith(old);
});
