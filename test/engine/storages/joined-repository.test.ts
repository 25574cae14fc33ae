import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { joinedRepository } from '../../../src/engine/storages/joined-repository.ts';
import { writeStorage } from '../../../src/storages/storage-files.ts';
import { type TestHome, temporaryHome } from '../../servers/managed.ts';
import { backupIdOf, objectKeyOf, sampleManifest } from '../repository/sample-manifest.ts';

let home: TestHome;
beforeEach(() => {
  home = temporaryHome();
});
afterEach(() => home.dispose());

async function put(folder: string, number: number): Promise<void> {
  const repository = openRepository(localDirectory(folder));
  const id = backupIdOf(number);
  const body = Readable.from([Buffer.from(`backup ${number}`)]);
  const object = await repository.putObject(objectKeyOf(id), body, AbortSignal.timeout(10_000));
  await repository.publish(sampleManifest(id, object));
}

it('finds backups in every storage of a home, and reads each where it lies', async () => {
  const elsewhere = join(home.home.root, 'elsewhere');
  writeStorage(home.home, { format: 1, name: 'disk', path: `file://${elsewhere}`, added_at: '2026-11-25T00:00:00Z' });
  await put(home.home.repository, 1);
  await put(elsewhere, 2);
  const joined = joinedRepository(home.home);
  const read: string[] = [];
  for await (const folder of joined.folders('shop')) {
    const manifest = await joined.manifestIn(folder);
    if (manifest !== undefined) read.push(await text(joined.read(manifest, AbortSignal.timeout(10_000))));
  }
  expect(read).toEqual(['backup 1', 'backup 2']);
});
