import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { manifestKey } from '../../../src/engine/repository/manifest-file.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import type { BackupRepository } from '../../../src/engine/repository/repository.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import type { ObjectStore } from '../../../src/engine/storage/object-store.ts';
import { corruptingStore, type Damage } from './corrupting-store.ts';
import { backupIdOf, objectKeyOf, sampleManifest } from './sample-manifest.ts';

const blockBytes = 4096;
const never = new AbortController().signal;

describe('repository', () => {
  let root: string;
  let store: ObjectStore;
  let repository: BackupRepository;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'skb-repo-'));
    store = localDirectory(root);
    repository = openRepository(store, { blockBytes });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const publish = async (number: number, data: Buffer, serviceId = 'shop'): Promise<Manifest> => {
    const id = backupIdOf(number, serviceId);
    const object = await repository.putObject(objectKeyOf(id, serviceId), Readable.from(slices(data, 1000)), never);
    const manifest = sampleManifest(id, object, serviceId);
    await repository.publish(manifest);
    return manifest;
  };
  const catalogue = async () => {
    const [found, damaged]: [string[], [string, string][]] = [[], []];
    for (const service of await repository.services()) {
      for await (const folder of repository.folders(service)) {
        try {
          const manifest = await repository.manifestIn(folder);
          if (manifest !== undefined) found.push(manifest.id);
        } catch (error) {
          damaged.push([folder.manifestKey ?? '', String(error)]);
        }
      }
    }
    return { found, damaged };
  };

  it('hashes each block, whatever the sizes, and reads the same bytes back', async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 4 * blockBytes + 1 }),
        fc.integer({ min: 1, max: 9000 }),
        async (size, slice) => {
          number += 1;
          const data = randomBytes(size);
          const id = backupIdOf(number);
          const object = await repository.putObject(objectKeyOf(id), Readable.from(slices(data, slice)), never);
          const blocks = [...slices(data, blockBytes)].map(sha256);
          expect(object).toEqual({
            key: objectKeyOf(id),
            bytes: size,
            block_bytes: blockBytes,
            blocks,
          });
          const back = await buffer(repository.read(sampleManifest(id, object), never));
          expect(back.equals(data)).toBe(true);
        },
      ),
      {
        numRuns: 60,
        examples: [
          [0, 1],
          [blockBytes, blockBytes],
          [2 * blockBytes, 5000],
          [blockBytes + 1, 4096],
        ],
      },
    );
  });

  it('finds every published backup from the manifests alone, and no unpublished one', async () => {
    const first = await publish(1, randomBytes(100));
    const second = await publish(2, randomBytes(blockBytes * 2));
    const other = await publish(3, randomBytes(10), 'blog');
    await repository.putObject(objectKeyOf(backupIdOf(4)), Readable.from([randomBytes(10)]), never);
    expect(await catalogue()).toEqual({ found: [other.id, first.id, second.id], damaged: [] });
    expect(await repository.manifest('shop', second.id)).toEqual(second);
    expect(await repository.manifest('shop', backupIdOf(4))).toBeUndefined();
    expect(await repository.manifest('blog', second.id)).toBeUndefined();
  });

  it('reports damaged manifests and missing, short or foreign objects, and lists the rest', async () => {
    const whole = await publish(1, randomBytes(100));
    const [torn, wrong, bare, short, foreign, moved] = await Promise.all(
      [2, 3, 4, 5, 6, 7].map((n) => publish(n, randomBytes(100))),
    );
    const file = (manifest: Manifest | undefined) => join(root, manifestKey('shop', manifest?.id ?? ''));
    const edit = async (manifest: Manifest | undefined, change: (text: string) => string) =>
      writeFile(file(manifest), change(await readFile(file(manifest), 'utf8')));
    await edit(torn, (text) => text.slice(0, 200));
    await edit(wrong, (text) => text.replace('"full"', '"half"'));
    await store.delete(bare?.objects[0].key ?? '');
    await writeFile(join(root, short?.objects[0].key ?? ''), randomBytes(50));
    await edit(foreign, (text) => text.replace(foreign?.objects[0].key ?? '', whole.objects[0].key));
    await edit(moved, (text) => text.replaceAll(moved?.id ?? '', backupIdOf(99)));

    const { found, damaged } = await catalogue();
    expect(found).toEqual([whole.id]);
    const reasonOf = (manifest: Manifest | undefined) => damaged.find(([key]) => file(manifest).endsWith(key))?.[1];
    expect(reasonOf(torn)).toContain('not whole JSON');
    expect(reasonOf(wrong)).toContain('type');
    expect(reasonOf(bare)).toContain('is missing');
    expect(reasonOf(short)).toContain('50 bytes, and 100');
    expect(reasonOf(foreign)).toContain('belongs elsewhere');
    expect(reasonOf(moved)).toContain('belongs to');
    await expect(repository.manifest('shop', torn?.id ?? '')).rejects.toMatchObject({ code: 'backup_damaged' });
  });

  it('refuses to publish what is not a manifest, and to publish twice', async () => {
    const manifest = await publish(1, randomBytes(10));
    await expect(repository.publish(manifest)).rejects.toMatchObject({ code: 'conflict' });
    await expect(repository.publish({ ...manifest, type: 'none' as 'full' })).rejects.toThrow();
  });

  it('removes a backup with all it has', async () => {
    const manifest = await publish(1, randomBytes(10));
    await repository.remove('shop', manifest.id);
    expect((await catalogue()).found).toEqual([]);
    expect(await store.stat(manifest.objects[0].key)).toBeUndefined();
    await repository.remove('shop', manifest.id);
  });

  it('keeps several objects of one backup: each is read by its own blocks, missed and removed', async () => {
    const id = backupIdOf(1);
    const put = (name: string, data: Buffer) =>
      repository.putObject(`v1/shop/${id.slice(0, 32)}/${name}`, Readable.from(slices(data, 1000)), never);
    const [first, second] = [randomBytes(2 * blockBytes + 1), randomBytes(blockBytes)];
    const [one, two] = [await put('binlog.000001.zst', first), await put('binlog.000002.zst', second)];
    const manifest: Manifest = { ...sampleManifest(id, one), objects: [one, two] };
    await repository.publish(manifest);
    expect(await catalogue()).toEqual({ found: [id], damaged: [] });
    expect((await buffer(repository.read(manifest, never))).equals(first)).toBe(true);
    expect((await buffer(repository.read(manifest, never, two))).equals(second)).toBe(true);
    const bad = openRepository(corruptingStore(store, two.key, { kind: 'flip', at: 5, bit: 1 }));
    await expect(buffer(bad.read(manifest, never, two))).rejects.toMatchObject({
      code: 'backup_damaged',
      details: { key: two.key, block: 1 },
    });
    await writeFile(join(root, two.key), second.subarray(1));
    expect((await catalogue()).damaged[0]?.[1]).toContain('binlog.000002.zst has 4095 bytes');
    await store.delete(two.key);
    expect((await catalogue()).damaged[0]?.[1]).toContain('binlog.000002.zst is missing');
    await repository.remove('shop', id);
    expect(await store.stat(one.key)).toBeUndefined();
  });

  describe.each([
    ['in one get', {}, undefined],
    ['in ranges beside each other', { parallelGets: true }, { rangeBytes: 3000, beside: 3 }],
  ])('damage of an object read %s', (_, kind, ranges) => {
    const blocks = 5;
    const size = (blocks - 1) * blockBytes + 1234;
    const readDamaged = async (manifest: Manifest, damage: Damage, chunkBytes?: number) => {
      const bad = openRepository(
        { ...corruptingStore(store, manifest.objects[0].key, damage, chunkBytes), ...kind },
        ranges === undefined ? {} : { ranges },
      );
      const got: Buffer[] = [];
      try {
        for await (const chunk of bad.read(manifest, never)) got.push(chunk as Buffer);
      } catch (error) {
        return { error, got: Buffer.concat(got) };
      }
      return { error: undefined, got: Buffer.concat(got) };
    };

    it('is found for any flipped bit, before a byte of its block is handed on, naming backup and block', async () => {
      const data = randomBytes(size);
      const manifest = await publish(1, data);
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: size - 1 }),
          fc.integer({ min: 0, max: 7 }),
          fc.integer({ min: 1, max: 20_000 }),
          async (at, bit, chunk) => {
            const { error, got } = await readDamaged(manifest, { kind: 'flip', at, bit }, chunk);
            const block = Math.floor(at / blockBytes) + 1;
            expect(error).toMatchObject({ code: 'backup_damaged', details: { backup_id: manifest.id, block, blocks } });
            expect(got.length).toBeLessThanOrEqual((block - 1) * blockBytes);
            expect(got.equals(data.subarray(0, got.length))).toBe(true);
          },
        ),
        { numRuns: 60 },
      );
    });

    it('is found for any truncation', async () => {
      const manifest = await publish(1, randomBytes(size));
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: size - 1 }), async (to) => {
          const { error } = await readDamaged(manifest, { kind: 'truncate', to });
          expect(error).toMatchObject({
            code: 'backup_damaged',
            message: expect.stringContaining(`after ${to} of ${size} bytes`),
          });
        }),
        { numRuns: 40, examples: [[0], [blockBytes], [2 * blockBytes]] },
      );
    });

    it.each([1, 100, blockBytes, 3 * blockBytes])('is found for %i bytes too many', async (by) => {
      for (const whole of [size, 2 * blockBytes]) {
        const manifest = await publish(whole, randomBytes(whole));
        for (const chunkBytes of [1, 1000, 100_000]) {
          const { error } = await readDamaged(manifest, { kind: 'lengthen', by: Buffer.alloc(by) }, chunkBytes);
          expect(error).toMatchObject({ code: 'backup_damaged', message: expect.stringContaining('longer') });
        }
      }
    });

    it('is found for swapped blocks and for another backup put in its place', async () => {
      const manifest = await publish(1, randomBytes(size));
      const swapped = await readDamaged(manifest, {
        kind: 'swap',
        first: blockBytes,
        second: 3 * blockBytes,
        bytes: blockBytes,
      });
      expect(swapped.error).toMatchObject({ code: 'backup_damaged', details: { block: 2 } });
      const replaced = await readDamaged(manifest, { kind: 'replace', with: randomBytes(size) });
      expect(replaced.error).toMatchObject({ code: 'backup_damaged', details: { block: 1 } });
      expect(replaced.got.length).toBe(0);
    });

    it('is found for an object that is gone', async () => {
      const manifest = await publish(1, randomBytes(size));
      await store.delete(manifest.objects[0].key);
      const read = openRepository({ ...store, ...kind }).read(manifest, never);
      await expect(buffer(read)).rejects.toMatchObject({ code: 'backup_damaged' });
    });
  });

  it('holds no more than about a block, however slow the reader', async () => {
    const big = openRepository(store, { blockBytes: 64 * 1024 });
    const id = backupIdOf(1);
    const object = await big.putObject(
      objectKeyOf(id),
      Readable.from(slices(randomBytes(4 * 1024 * 1024), 10_000)),
      never,
    );
    let read = 0;
    const counting: ObjectStore = {
      ...store,
      get: async () =>
        Readable.from(
          (async function* () {
            for await (const chunk of await store.get(object.key)) {
              for (const piece of slices(chunk as Buffer, 4096)) {
                read += piece.length;
                yield piece;
              }
            }
          })(),
          { highWaterMark: 1 },
        ),
    };
    const stream = openRepository(counting).read(sampleManifest(id, object), never);
    let taken = 0;
    let most = 0;
    for await (const chunk of stream) {
      taken += (chunk as Buffer).length;
      await new Promise(setImmediate);
      most = Math.max(most, read - taken);
    }
    expect(taken).toBe(object.bytes);
    expect(most).toBeLessThanOrEqual(64 * 1024 * 1.5);
  });

  it('ends with cancelled when the read is aborted', async () => {
    const manifest = await publish(1, randomBytes(100 * blockBytes));
    const abort = new AbortController();
    const stream = repository.read(manifest, abort.signal);
    const ended = (async () => {
      for await (const _ of stream) abort.abort();
    })();
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
    await expect(buffer(repository.read(manifest, AbortSignal.abort()))).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('leaves nothing when a put is aborted or its source fails', async () => {
    const abort = new AbortController();
    const endless = new Readable({
      read() {
        this.push(randomBytes(1000));
      },
    });
    endless.once('resume', () => setImmediate(() => abort.abort()));
    await expect(repository.putObject(objectKeyOf(backupIdOf(1)), endless, abort.signal)).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(endless.destroyed).toBe(true);
    const failing = new Readable({
      read() {
        this.destroy(new TypeError('the pipe broke'));
      },
    });
    await expect(repository.putObject(objectKeyOf(backupIdOf(2)), failing, never)).rejects.toThrow('the pipe broke');
    const left: string[] = [];
    for await (const { key } of store.list('')) left.push(key);
    expect(left).toEqual([]);
  });
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function* slices(data: Buffer, bytes: number): Generator<Buffer> {
  for (let at = 0; at < data.length; at += bytes) yield data.subarray(at, at + bytes);
}
