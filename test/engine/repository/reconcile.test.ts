import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rename, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { encodeManifest, manifestKey } from '../../../src/engine/repository/manifest-file.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import {
  type Reconciled,
  type ReconcileOptions,
  reconcileCatalogue,
  recordBackup,
  settleRunning,
} from '../../../src/engine/store/reconcile-catalogue.ts';
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

/** What happens meanwhile: while the folders are listed, and when an object is opened. */
interface Meanwhile {
  listing?: () => Promise<void>;
  reading?: (key: string) => void;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

function open(meanwhile: Meanwhile = {}) {
  const store = localDirectory(join(root, 'repository'));
  return openRepository({
    ...store,
    async *list(prefix) {
      const listed = await all(store.list(prefix));
      await meanwhile.listing?.();
      yield* listed;
    },
    get(key, options) {
      reads.push(key);
      meanwhile.reading?.(key);
      return store.get(key, options);
    },
  });
}

async function put(number: number): Promise<Manifest> {
  const id = backupIdOf(number);
  const body = Readable.from([Buffer.from(`backup ${number}`)]);
  const object = await open().putObject(objectKeyOf(id), body, new AbortController().signal);
  return sampleManifest(id, object);
}

async function publish(number: number): Promise<Manifest> {
  const manifest = await put(number);
  await open().publish(manifest);
  return manifest;
}

function begin(number: number): void {
  const id = backupIdOf(number);
  const service = { service_id: 'shop', service_name: 'shop' };
  state.backups.begin({ id, ...service, type: 'full', method: 'mariabackup', job_id: number, storage: 'local' });
}

/** Nothing is old enough to be swept, unless a test says so. */
async function reconcile(
  meanwhile: Meanwhile = {},
  options: Partial<ReconcileOptions> = {},
): Promise<Reconciled & { read: number }> {
  reads = [];
  const log = (...warning: unknown[]): void => void warnings.push(warning);
  const context = { state, repository: open(meanwhile), storage: 'local', log };
  const result = await reconcileCatalogue(context, { sweepBefore: new Date(0), ...options });
  return { ...result, read: reads.length };
}

/** As if every object had been stored long ago. */
const allOld = { sweepBefore: new Date('2100-01-01') };
const there = async (number: number): Promise<boolean> =>
  (await localDirectory(join(root, 'repository')).stat(objectKeyOf(backupIdOf(number)))) !== undefined;
const folderOf = (number: number): string => dirname(join(root, 'repository', objectKeyOf(backupIdOf(number))));
const statusOf = (number: number): string | undefined => state.backups.get(backupIdOf(number))?.status;

it('reads every manifest of a repository it does not know, and none of one it knows', async () => {
  for (let number = 1; number <= 250; number += 1) await publish(number);
  expect(await reconcile()).toEqual({ found: 250, lost: 0, swept: 0, read: 250 });
  expect(await reconcile()).toEqual({ found: 250, lost: 0, swept: 0, read: 0 });
  await publish(251);
  expect(await reconcile()).toEqual({ found: 251, lost: 0, swept: 0, read: 1 });
  expect(state.backups.list({}).count).toBe(251);
});

it('knows a backup from the moment it was recorded', async () => {
  recordBackup(state, await publish(1));
  expect(await reconcile()).toEqual({ found: 1, lost: 0, swept: 0, read: 0 });
});

it('looks again where something was touched, says what was lost, and takes it back when it is there again', async () => {
  for (const number of [1, 2, 3, 4]) await publish(number);
  await reconcile();
  const path = (key: string): string => join(root, 'repository', key);
  await appendFile(path(objectKeyOf(backupIdOf(1))), 'more');
  await unlink(path(objectKeyOf(backupIdOf(2))));
  await unlink(path(manifestKey('shop', backupIdOf(3))));
  expect(await reconcile()).toEqual({ found: 1, lost: 3, swept: 0, read: 2 });
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

describe('beside jobs that go on', () => {
  it('does not miss a backup that was published while the folders were listed', async () => {
    recordBackup(state, await publish(1));
    const listing = async (): Promise<void> => recordBackup(state, await publish(2));
    expect(await reconcile({ listing })).toMatchObject({ found: 1, lost: 0 });
    expect([1, 2].map(statusOf)).toEqual(['Succeeded', 'Succeeded']);
  });

  it('does not bring back a backup that was deleted after its manifest was read', async () => {
    const { objects } = await publish(1);
    await reconcile();
    const object = join(root, 'repository', objects[0].key);
    await rename(object, `${object}.away`);
    await reconcile();
    await rename(`${object}.away`, object);
    expect(statusOf(1)).toBe('Failed');
    const reading = (): void => state.backups.remove(backupIdOf(1));
    expect(await reconcile({ reading })).toMatchObject({ read: 1 });
    expect(statusOf(1)).toBeUndefined();
  });

  it('does not bring back a backup whose files have yet to go', async () => {
    await publish(1);
    state.removals.add({ backup_id: backupIdOf(1), service_id: 'shop', storage: 'local' });
    await reconcile();
    expect(statusOf(1)).toBeUndefined();
  });

  it('leaves to its job what that job has published and not yet recorded', async () => {
    begin(1);
    await publish(1);
    await reconcile();
    expect(statusOf(1)).toBe('Running');
  });

  it('removes what was cut short, but nothing young and nothing of a job that runs or has just published', async () => {
    for (const number of [1, 2, 3]) await put(number);
    expect(await reconcile()).toMatchObject({ swept: 0 });
    // The clock may have been set back since: then only the list tells.
    begin(2);
    begin(3);
    const listing = async (): Promise<void> => {
      const manifest = await open().manifest('shop', backupIdOf(3));
      expect(manifest).toBeUndefined();
      const [object] = (await all(open().folders('shop')))[2]?.objects ?? [];
      const stored = { key: object?.key ?? '', bytes: object?.bytes ?? 0, block_bytes: 1000, blocks: [''] };
      recordBackup(state, sampleManifest(backupIdOf(3), stored));
    };
    expect(await reconcile({ listing }, allOld)).toMatchObject({ swept: 1 });
    expect(await Promise.all([1, 2, 3].map(there))).toEqual([false, true, true]);
  });

  it('ends where it is when it is stopped, and takes nothing for lost that it has not looked for', async () => {
    for (const number of [1, 2, 3]) recordBackup(state, await publish(number));
    let looked = 0;
    const isStopped = (): boolean => ++looked > 2;
    expect(await reconcile({}, { isStopped })).toMatchObject({ found: 1, lost: 0 });
    expect([1, 2, 3].map(statusOf)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
  });
});

it('settles what was running by what lies in its folder, and looks at no other', async () => {
  for (const number of [1, 2, 3, 4]) begin(number);
  await publish(1);
  await put(2);
  const { objects } = await publish(3);
  await appendFile(join(root, 'repository', objects[0].key), 'more');
  await put(5);
  // Killed between the folder and what was to lie in it.
  await mkdir(folderOf(4), { recursive: true });
  reads = [];
  await settleRunning({ state, repository: open(), log: () => undefined });
  expect([1, 2, 3, 4].map(statusOf)).toEqual(['Succeeded', 'Running', 'Running', 'Running']);
  expect(await Promise.all([1, 2, 3, 5].map(there))).toEqual([true, false, true, true]);
  expect([2, 3, 4].map((number) => existsSync(folderOf(number)))).toEqual([false, true, false]);
  expect(reads).toHaveLength(4);
});
