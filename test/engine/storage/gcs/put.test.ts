import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type GcsOptions, gcsStore } from '../../../../src/engine/storage/gcs/gcs-store.ts';
import { probeStorage } from '../../../../src/engine/storage/probe.ts';
import { startGcs, type TestGcs } from '../../../doubles/gcs.ts';
import { digestOf, streamOf } from '../stream-bytes.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const chunkBytes = 256 * KiB;

let gcs: TestGcs;
beforeAll(async () => {
  gcs = await startGcs();
});
afterAll(() => gcs?.stop());
afterEach(() => {
  Object.assign(gcs.faults, { damage: false, checksHashes: true, fenced: true });
  gcs.arrivals.length = 0;
});

describe('an object in chunks', () => {
  it.each([
    ['nothing', 0, [0]],
    ['less than a chunk', 100, [100]],
    ['exactly a chunk', chunkBytes, [chunkBytes]],
    ['exactly two', 2 * chunkBytes, [chunkBytes, chunkBytes]],
    ['a byte more than two', 2 * chunkBytes + 1, [chunkBytes, chunkBytes, 1]],
  ])('of %s is sent in as many requests as it needs', async (_, bytes, pieces) => {
    const store = gcs.store({ chunkBytes });
    expect(await store.put('v1/a', streamOf(bytes))).toEqual({ bytes });
    expect(gcs.arrivals).toEqual(pieces.filter((piece) => piece > 0));
    expect(await digestOf(await store.get('v1/a'))).toEqual(await digestOf(streamOf(bytes)));
    expect(await store.stat('v1/a')).toMatchObject({ bytes });
  });

  it('of 300 MB takes no more memory than two chunks and what is on its way', async () => {
    const server = fork(join(import.meta.dirname, '../../../doubles/gcs-process.ts'));
    try {
      const [told] = (await once(server, 'message')) as [GcsOptions & { bucket: string }];
      const store = gcsStore(`gs://${told.bucket}/large`, told);
      await store.put('v1/first', streamOf(MiB));
      const chunk = Buffer.alloc(MiB, 'x');
      const before = process.memoryUsage().rss;
      let most = 0;
      const body = Readable.from(
        (async function* () {
          for (let sent = 0; sent < 300; sent += 1) {
            yield chunk;
            most = Math.max(most, process.memoryUsage().rss);
          }
        })(),
      );
      expect(await store.put('v1/a', body)).toEqual({ bytes: 300 * MiB });
      // Two chunks of 16 MiB; what the sockets hold, and the rest of the tests' process, come to it.
      expect(most - before).toBeLessThan(120 * MiB);
    } finally {
      server.disconnect();
      await once(server, 'exit');
    }
  });
});

describe('never overwrites what another process wrote meanwhile', () => {
  it.each([
    ['after the upload had begun', MiB],
    ['before the last byte was sent', 2 * MiB],
  ])('%s: the storage keeps what is there, and nothing of the other is left', async (_, when) => {
    const prefix = `raced-${when}`;
    const [one, other] = [gcs.store({ prefix, chunkBytes }), gcs.store({ prefix })];
    const body = streamOf(2 * MiB, async (sent) => {
      if (sent === when) await other.put('v1/a', Buffer.from('of another'));
    });
    await expect(one.put('v1/a', body)).rejects.toMatchObject({ code: 'conflict', retryable: false });
    expect((await buffer(await one.get('v1/a'))).toString()).toBe('of another');
    expect(gcs.uploads(prefix)).toEqual([]);
  });

  it('of many that write a key at the same time, one wins', async () => {
    for (let round = 0; round < 5; round += 1) {
      const prefix = `crowd-${round}`;
      const bodies = Array.from({ length: 6 }, (_, i) => Buffer.alloc(MiB, String(i)));
      const puts = bodies.map((body) => gcs.store({ prefix, chunkBytes }).put('v1/a', body));
      const ended = await Promise.allSettled(puts);
      expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const winner = bodies[ended.findIndex(({ status }) => status === 'fulfilled')];
      expect((await buffer(await gcs.store({ prefix }).get('v1/a'))).equals(winner ?? Buffer.alloc(0))).toBe(true);
      expect(gcs.uploads(prefix)).toEqual([]);
    }
  });
});

describe('bytes that were damaged on their way', () => {
  it('are refused by the storage, and no object comes of them', async () => {
    const store = gcs.store({ prefix: 'damaged', chunkBytes });
    gcs.faults.damage = true;
    await expect(store.put('v1/a', streamOf(MiB))).rejects.toMatchObject({
      code: 'storage_failed',
      details: { reason: 'BadDigest' },
    });
    expect(await store.stat('v1/a')).toBeUndefined();
    expect(gcs.uploads('damaged/')).toEqual([]);
  });

  it('are found by what the storage says of the object, which is removed, where it does not look itself', async () => {
    const store = gcs.store({ prefix: 'damaged', chunkBytes });
    Object.assign(gcs.faults, { damage: true, checksHashes: false });
    await expect(store.put('v1/a', streamOf(MiB))).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('not there as it was sent'),
    });
    expect(await store.stat('v1/a')).toBeUndefined();
  });
});

describe('what a storage can do', () => {
  it('is found out, and nothing of it is left', async () => {
    const store = gcs.store({ prefix: 'probed' });
    const features = await probeStorage(store);
    expect(features).toMatchObject({ putIfAbsent: { whole: 'kept', inParts: 'kept' }, checksPayload: true });
    expect(Math.abs(features.clockOffsetMs)).toBeLessThan(60_000);
    for await (const { key } of store.list('')) throw new Error(`${key} was left`);
    expect(gcs.uploads('probed/')).toEqual([]);
  });

  it('is found out of one that only speaks like GCS, too', async () => {
    Object.assign(gcs.faults, { fenced: false, checksHashes: false });
    expect(await gcs.store({ prefix: 'alike' }).features('v1/look')).toMatchObject({
      putIfAbsent: { whole: 'ignored', inParts: 'ignored' },
      checksPayload: false,
    });
    expect(gcs.uploads('alike/')).toEqual([]);
  });
});

it('what killed processes left is not to be found, and forgotten by the storage itself', async () => {
  expect(await gcs.store().sweep(0)).toBe(0);
});

it('a listing goes on over as many pages as there are', async () => {
  const store = gcs.store({ pageKeys: 3 });
  const keys = Array.from({ length: 10 }, (_, i) => `v1/s${i}/a`);
  for (const key of keys) await store.put(key, Buffer.from('x'));
  const found: string[] = [];
  for await (const { key } of store.list('v1/')) found.push(key);
  expect(found).toEqual(keys);
  expect(await store.folders('v1')).toEqual(keys.map((key) => key.split('/')[1]));
});

it('what others put into the bucket and is no key of ours is not listed', async () => {
  const store = gcs.store({ prefix: 'foreign' });
  await store.put('v1/a/b', Buffer.from('x'));
  for (const name of ['v1/', 'v1/a/', 'v1/.hidden', 'v1//double']) gcs.leave(`foreign/${name}`);
  const listed: string[] = [];
  for await (const { key } of store.list('')) listed.push(key);
  expect(listed).toEqual(['v1/a/b']);
  expect(await store.folders('v1')).toEqual(['a']);
});
