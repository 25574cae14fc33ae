import { appendFile, mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeManifest, manifestKey } from '../../../src/engine/repository/manifest-file.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { reconcileCatalogue, recordBackup } from '../../../src/engine/store/reconcile-catalogue.ts';
import { openState, type StateStore } from '../../../src/engine/store/state-store.ts';
import { backupIdOf, objectKeyOf, sampleManifest } from './sample-manifest.ts';

let root: string;
let state: StateStore;
/** Keys of the objects that were opened. */
let reads: string[];
let warnings: unknown[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'skb-reconcile-'));
  state = openState(join(root, 'state.db'));
  [reads, warnings] = [[], []];
});
afterEach(async () => {
  state.close();
  await rm(root, { recursive: true, force: true });
});

function open() {
  const store = localDirectory(join(root, 'repository'));
  return openRepository({
    ...store,
    get(key, options) {
      reads.push(key);
      return store.get(key, options);
    },
  });
}

async function publish(number: number): Promise<string> {
  const repository = open();
  const id = backupIdOf(number);
  const body = Readable.from([Buffer.from(`backup ${number}`)]);
  const object = await repository.putObject(objectKeyOf(id), body, new AbortController().signal);
  await repository.publish(sampleManifest(id, object));
  return id;
}

async function reconcile(): Promise<{ found: number; lost: number; read: number }> {
  reads = [];
  const result = await reconcileCatalogue(state, open(), (...warning) => warnings.push(warning));
  return { ...result, read: reads.length };
}

const statusOf = (number: number): string | undefined => state.backups.get(backupIdOf(number))?.status;

it('reads every manifest of a repository it does not know, and none of one it knows', async () => {
  for (let number = 1; number <= 250; number += 1) await publish(number);
  expect(await reconcile()).toEqual({ found: 250, lost: 0, read: 250 });
  expect(await reconcile()).toEqual({ found: 250, lost: 0, read: 0 });
  await publish(251);
  expect(await reconcile()).toEqual({ found: 251, lost: 0, read: 1 });
  expect(state.backups.list({}).count).toBe(251);
});

it('knows a backup from the moment it was recorded', async () => {
  const id = await publish(1);
  const manifest = await open().manifest('shop', id);
  if (manifest === undefined) throw new Error('not published');
  recordBackup(state, manifest);
  expect(await reconcile()).toEqual({ found: 1, lost: 0, read: 0 });
});

it('looks again where something was touched, says what was lost, and takes it back when it is there again', async () => {
  for (const number of [1, 2, 3, 4]) await publish(number);
  await reconcile();
  const path = (key: string): string => join(root, 'repository', key);
  await appendFile(path(objectKeyOf(backupIdOf(1))), 'more');
  await unlink(path(objectKeyOf(backupIdOf(2))));
  await unlink(path(manifestKey('shop', backupIdOf(3))));
  expect(await reconcile()).toEqual({ found: 1, lost: 3, read: 2 });
  expect([1, 2, 3, 4].map(statusOf)).toEqual(['Failed', 'Failed', 'Failed', 'Succeeded']);
  expect(JSON.stringify(warnings)).toMatch(/has \d+ bytes.*is missing/);

  const whole = await open().manifest('shop', backupIdOf(4));
  if (whole === undefined) throw new Error('not there');
  const manifest = { ...whole, id: backupIdOf(3), objects: whole.objects };
  const [object] = manifest.objects;
  await localDirectory(join(root, 'repository')).put(
    manifestKey('shop', backupIdOf(3)),
    encodeManifest({ ...manifest, objects: [{ ...object, key: objectKeyOf(backupIdOf(3)) }] }),
  );
  expect(await reconcile()).toMatchObject({ found: 2, lost: 0 });
  expect(statusOf(3)).toBe('Succeeded');
});
