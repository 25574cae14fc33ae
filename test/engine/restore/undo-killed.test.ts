import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMarker } from '../../../src/engine/managed/data-marker.ts';
import { managedStatus } from '../../../src/engine/managed/managed-server.ts';
import { type DataPlace, placeOf } from '../../../src/engine/restore/data-place.ts';
import { type KeptData, listKeptData } from '../../../src/engine/restore/kept-data.ts';
import { recoverRestore } from '../../../src/engine/restore/recover.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import { checksums } from '../../servers/mariadbd.ts';
import { testJob } from './sample-backup.ts';
import { type Checksums, makeScene, type Scene } from './scene.ts';
import type { UndoChildRequest } from './undo-child.ts';

let scene: Scene;
let place: DataPlace;
/** What the target serves, and what is kept beside it: each finished undo changes them over. */
let served: Checksums;
let keptSums: Checksums;
beforeAll(async () => {
  scene = await makeScene();
  place = placeOf(scene.place.home, scene.target);
  keptSums = await scene.damage();
  await restoreBackup(scene.input(), testJob());
  served = scene.backedUp;
});
afterAll(() => scene.place.dispose());

async function killedAfter(until: string, kept: KeptData): Promise<UndoChildRequest> {
  const { root } = scene.place.home;
  const { restoreId } = scene.input();
  const request = { root, restoreId, newIncarnation: randomUUID(), target: scene.target, kept, until };
  const file = join(root, 'request.json');
  writeFileSync(file, JSON.stringify(request));
  const child = execa(process.execPath, [join(import.meta.dirname, 'undo-child.ts'), file], { reject: false });
  await Promise.race([new Promise<void>((resolve) => child.stdout.once('data', () => resolve())), child]);
  child.kill('SIGKILL');
  const { signal, stderr } = await child;
  expect([signal, stderr]).toEqual(['SIGKILL', '']);
  return request;
}

const goesBack = new Set(['draining', 'stopping', 'sealing']);
test.each(['draining', 'stopping', 'sealing', 'aside', 'in', 'starting', 'closing'])(
  'an undo that is killed after %s leaves old or new, complete, and what it did not put back is still kept',
  async (step) => {
    const [kept, ...more] = listKeptData(place);
    if (kept === undefined || more.length > 0) throw new Error('not one copy is kept');
    const before = readMarker(place.data)?.incarnation;
    const killed = await killedAfter(step, kept);
    const { outcome } = await recoverRestore(scene.place.home, scene.target);
    if (goesBack.has(step)) {
      expect(outcome).toBe('reversed');
      expect(readMarker(place.data)?.incarnation).toBe(before);
      expect(listKeptData(place)).toEqual([kept]);
    } else {
      expect(outcome).toBe(step === 'closing' ? 'cleaned' : 'finished');
      expect(readMarker(place.data)?.incarnation).toBe(killed.newIncarnation);
      expect(listKeptData(place)).toMatchObject([{ restore_id: killed.restoreId, incarnation: before }]);
      expect([existsSync(kept.path), existsSync(`${kept.path}.json`)]).toEqual([false, false]);
      [served, keptSums] = [keptSums, served];
    }
    expect((await managedStatus(scene.place.home, scene.target)).status).toBe('ready');
    expect(await checksums(scene.target.connection)).toEqual(served);
    await scene.expectTidy();
  },
);
