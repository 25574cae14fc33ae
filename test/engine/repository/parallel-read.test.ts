import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { parallelRead } from '../../../src/engine/repository/parallel-read.ts';
import type { ObjectStore } from '../../../src/engine/storage/object-store.ts';
import { startGcs } from '../../doubles/gcs.ts';
import { type HttpProxy, startHttpProxy } from '../../servers/http-proxy.ts';
import { startS3, type TestS3 } from '../../servers/swift-s3.ts';
import { startTcpProxy, type TcpProxy } from '../../servers/tcp-proxy.ts';
import { digestOf, streamOf, watched } from '../storage/stream-bytes.ts';
import { backupIdOf, objectKeyOf, sampleManifest } from './sample-manifest.ts';

const MiB = 1024 * 1024;
const never = new AbortController().signal;

describe('ranges beside each other', () => {
  /** Answers in any order, as many at a time as are asked for. */
  const shuffled = (data: Buffer, chunkBytes: number, waits: readonly number[]) => {
    const seen = { running: 0, most: 0, asked: 0 };
    const get: ObjectStore['get'] = async (_key, { start = 0, end = data.length - 1 } = {}) => {
      seen.running += 1;
      seen.most = Math.max(seen.most, seen.running);
      const wait = waits[seen.asked % waits.length] ?? 0;
      seen.asked += 1;
      for (let turn = 0; turn < wait; turn += 1) await new Promise(setImmediate);
      const part = data.subarray(start, end + 1);
      return Readable.from(
        (function* () {
          for (let at = 0; at < part.length; at += chunkBytes) yield part.subarray(at, at + chunkBytes);
          seen.running -= 1;
        })(),
      );
    };
    return { get, seen };
  };

  it('give the bytes in order, whatever the sizes and whichever answer comes first', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          size: fc.integer({ min: 1, max: 50_000 }),
          rangeBytes: fc.integer({ min: 500, max: 20_000 }),
          chunkBytes: fc.integer({ min: 100, max: 9000 }),
          beside: fc.integer({ min: 1, max: 6 }),
          waits: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 7 }),
        }),
        async ({ size, rangeBytes, chunkBytes, beside, waits }) => {
          const data = randomBytes(size);
          const { get, seen } = shuffled(data, chunkBytes, waits);
          const got: Buffer[] = [];
          const plan = { rangeBytes, beside };
          for await (const piece of parallelRead({ get }, { key: 'k', bytes: size }, never, plan)) got.push(piece);
          expect(Buffer.concat(got).equals(data)).toBe(true);
          expect(seen.asked).toBe(Math.ceil(size / rangeBytes));
          expect(seen.most).toBeLessThanOrEqual(beside);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('go on while the first is slow, but no further than may be held', async () => {
    const data = randomBytes(100_000);
    const asked: number[] = [];
    let letGo = (): void => {};
    const first = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const get: ObjectStore['get'] = async (_key, { start = 0, end = data.length } = {}) => {
      asked.push(start);
      if (start === 0) await first;
      return Readable.from([data.subarray(start, end + 1)]);
    };
    const reading = buffer(parallelRead({ get }, { key: 'k', bytes: 100_000 }, never, { rangeBytes: 1000, beside: 4 }));
    await delay(50);
    expect(asked).toEqual([0, 1000, 2000, 3000]);
    letGo();
    expect((await reading).equals(data)).toBe(true);
  });
});

describe('an object in a bucket', () => {
  const size = 90 * MiB + 17;
  const id = backupIdOf(1);
  let s3: TestS3;
  let line: TcpProxy;
  let http: HttpProxy;
  let manifest: Manifest;
  let whole: { sha256: string; bytes: number };
  beforeAll(async () => {
    s3 = await startS3();
    whole = await digestOf(streamOf(size));
    const object = await openRepository(s3.store({ prefix: 'read' })).putObject(objectKeyOf(id), streamOf(size), never);
    manifest = sampleManifest(id, object);
  });
  afterAll(() => s3?.stop());
  beforeEach(async () => {
    line = await startTcpProxy(s3.port);
    http = await startHttpProxy(s3.port);
  });
  afterEach(async () => {
    await line.stop();
    await http.stop();
  });
  const steadfast = { tries: 200, firstWaitMs: 50, longestWaitMs: 300 };
  const through = (port: number) =>
    openRepository(s3.store({ prefix: 'read', port, stallMs: 2000, patience: steadfast }));
  const gets = () => http.requests.filter((request) => request.startsWith('GET'));

  it('is read in ranges, each asked for once', async () => {
    const ranges: string[] = [];
    http.answer = ({ method, headers }) => {
      if (method === 'GET') ranges.push(String(headers.range));
      return undefined;
    };
    expect(await digestOf(through(http.port).read(manifest, never))).toEqual(whole);
    expect(new Set(ranges).size).toBe(23);
    expect(ranges).toHaveLength(23);
    expect(ranges).toContain(`bytes=${88 * MiB}-`);
  });

  it('is whole where connections are cut and one stalls: the range goes on alone, from where it was', async () => {
    line.troubles.push(
      { kind: 'cut', direction: 'down', afterBytes: 5 * MiB },
      { kind: 'stall', direction: 'down', afterBytes: 15 * MiB },
      { kind: 'cut', direction: 'down', afterBytes: 20 * MiB },
    );
    expect(await digestOf(through(line.port).read(manifest, never))).toEqual(whole);
    expect(line.troubles).toEqual([]);
  });

  it('is whole through a storm of 503: what is refused is asked for again, and nothing else', async () => {
    let refused = 0;
    http.answer = ({ method }) => {
      if (method !== 'GET' || http.requests.length % 3 !== 0) return undefined;
      refused += 1;
      return { status: 503, body: '<Error><Code>SlowDown</Code></Error>' };
    };
    expect(await digestOf(through(http.port).read(manifest, never))).toEqual(whole);
    expect(refused).toBeGreaterThan(2);
    expect(gets()).toHaveLength(23 + refused);
  });

  it('is whole when the server is killed in the middle and comes back', async () => {
    let back: Promise<void> | undefined;
    const stream = watched(through(s3.port).read(manifest, never), 20 * MiB, async () => {
      await s3.kill();
      back = delay(500).then(() => s3.up());
    });
    expect(await digestOf(stream)).toEqual(whole);
    expect(back).toBeDefined();
    await back;
  });

  it('is read so from GCS too', async () => {
    const gcs = await startGcs();
    const proxy = await startHttpProxy(gcs.port);
    try {
      const store = gcs.store({ prefix: 'read', port: proxy.port });
      const object = await openRepository(store).putObject(objectKeyOf(id), streamOf(size), never);
      const asked = proxy.requests.length;
      expect(await digestOf(openRepository(store).read(sampleManifest(id, object), never))).toEqual(whole);
      expect(proxy.requests.slice(asked).filter((request) => request.startsWith('GET'))).toHaveLength(23);
    } finally {
      await proxy.stop();
      await gcs.stop();
    }
  });

  it('is damaged where one bit is wrong, and no byte of that block is handed on', async () => {
    const at = 40 * MiB + 5;
    const store = s3.store({ prefix: 'read' });
    const get: ObjectStore['get'] = async (key, options = {}) => {
      const source = await store.get(key, options);
      return Readable.from(
        (async function* () {
          let from = options.start ?? 0;
          for await (const chunk of source as AsyncIterable<Buffer>) {
            if (at >= from && at < from + chunk.length) chunk.writeUInt8(chunk.readUInt8(at - from) ^ 8, at - from);
            from += chunk.length;
            yield chunk;
          }
        })(),
      );
    };
    let got = 0;
    const reading = (async () => {
      for await (const chunk of openRepository({ ...store, get }).read(manifest, never))
        got += (chunk as Buffer).length;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'backup_damaged', details: { block: 3 } });
    expect(got).toBeLessThanOrEqual(32 * MiB);
  });

  it('is read no further once that is cancelled: every connection is closed', async () => {
    line.bytesPerSecond = 4 * MiB;
    const abort = new AbortController();
    const reading = digestOf(through(line.port).read(manifest, abort.signal));
    await expect.poll(() => line.open).toBeGreaterThanOrEqual(4);
    abort.abort();
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => line.open).toBe(0);
    const { connections } = line;
    await delay(1000);
    expect(line.connections).toBe(connections);
  });

  it('is read no further once its reader has gone', async () => {
    for await (const chunk of through(http.port).read(manifest, never)) {
      expect((chunk as Buffer).length).toBeGreaterThan(0);
      break;
    }
    await delay(500);
    const asked = gets().length;
    expect(asked).toBeLessThan(23);
    await delay(1000);
    expect(gets()).toHaveLength(asked);
  });

  it('takes no more memory than its ranges and a block, however slowly it is taken', async () => {
    const before = process.memoryUsage().rss;
    let [most, read] = [0, 0];
    for await (const chunk of through(s3.port).read(manifest, never)) {
      read += (chunk as Buffer).length;
      if (read % (2 * MiB) < 256 * 1024) await delay(20);
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(read).toBe(size);
    expect(most).toBeLessThan(110 * MiB);
  });
});
