import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { CreateMultipartUploadCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { localDirectory } from '../../../../src/engine/storage/local-directory.ts';
import { probeStorage } from '../../../../src/engine/storage/probe.ts';
import { partPlan } from '../../../../src/engine/storage/s3/part-plan.ts';
import { startHttpProxy } from '../../../servers/http-proxy.ts';
import { startS3, type TestS3 } from '../../../servers/swift-s3.ts';
import { digestOf, streamOf } from '../stream-bytes.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3({ smallestPart: 1 });
});
afterAll(() => s3?.stop());

const small = { ...partPlan, firstBytes: 100 * KiB };

describe('an object in parts', () => {
  const plan = { firstBytes: 64 * KiB, doubleAfter: 2, largestBytes: 512 * KiB, mostParts: 12 };

  it('whose parts grow, so that the few that an object may have hold many bytes', async () => {
    const proxy = await startHttpProxy(s3.port);
    try {
      const sizes: number[] = [];
      proxy.answer = ({ url = '', headers }) => {
        const [, number] = /partNumber=(\d+)/.exec(url) ?? [];
        if (number !== undefined) sizes[Number(number) - 1] = Number(headers['content-length']) / KiB;
        return undefined;
      };
      const bytes = 3 * MiB;
      const store = s3.store({ port: proxy.port, plan });
      expect(await store.put('v1/a', streamOf(bytes))).toEqual({ bytes });
      expect(sizes).toEqual([64, 64, 128, 256, 512, 512, 512, 512, 512]);
      expect(await digestOf(await store.get('v1/a'))).toEqual(await digestOf(streamOf(bytes)));
    } finally {
      await proxy.stop();
    }
  });

  it('that needs more parts than there may be fails, says how far it came, and leaves nothing', async () => {
    const store = s3.store({ prefix: 'too-large', plan });
    await expect(store.put('v1/a', streamOf(8 * MiB))).rejects.toMatchObject({
      code: 'storage_failed',
      retryable: false,
      details: { mostParts: 12 },
    });
    expect(await s3.uploads('too-large/')).toEqual([]);
    expect(await store.stat('v1/a')).toBeUndefined();
  });

  it('of 300 MB takes no more memory than its parts on their way', async () => {
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
    const store = s3.store();
    expect(await store.put('v1/a', body)).toEqual({ bytes: 300 * MiB });
    // Five parts of 8 MiB; what the sockets hold, and the rest of the tests' process, come to it.
    expect(most - before).toBeLessThan(120 * MiB);
    await store.delete('v1/a');
  });
});

describe('never overwrites what another process wrote meanwhile', () => {
  it('in parts: the storage keeps what is there, and nothing of the other is left', async () => {
    const [one, other] = [s3.store({ prefix: 'raced', plan: small }), s3.store({ prefix: 'raced' })];
    const body = streamOf(2 * MiB, async (sent) => {
      if (sent === MiB) await other.put('v1/a', Buffer.from('of another'));
    });
    await expect(one.put('v1/a', body)).rejects.toMatchObject({ code: 'conflict', retryable: false });
    expect((await buffer(await one.get('v1/a'))).toString()).toBe('of another');
    expect(await s3.uploads('raced/')).toEqual([]);
  });

  it('in one request, where this storage cannot be asked: what was replaced is noticed, and not taken away', async () => {
    const proxy = await startHttpProxy(s3.port);
    try {
      const one = s3.store({ prefix: 'replaced', port: proxy.port });
      proxy.answer = async ({ method }) => {
        const looksBack = method === 'HEAD' && proxy.requests.some((request) => request.startsWith('PUT'));
        const Key = 'replaced/v1/a';
        if (looksBack) await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key, Body: 'of another' }));
        return undefined;
      };
      await expect(one.put('v1/a', Buffer.from('x'))).rejects.toMatchObject({ code: 'conflict' });
      expect((await buffer(await one.get('v1/a'))).toString()).toBe('of another');
    } finally {
      await proxy.stop();
    }
  });
});

describe('what a storage can do', () => {
  it('is found out on the real server, and nothing of it is left', async () => {
    const store = s3.store({ prefix: 'probed' });
    const features = await probeStorage(store);
    expect(features).toMatchObject({ putIfAbsent: { whole: 'unknown', inParts: 'kept' }, checksPayload: true });
    expect(Math.abs(features.clockOffsetMs)).toBeLessThan(60_000);
    for await (const { key } of store.list('')) throw new Error(`${key} was left`);
    expect(await s3.uploads('probed/')).toEqual([]);
  });

  it('is known of a local directory', async () => {
    const root = await mkdtemp(join(tmpdir(), 'skb-store-'));
    try {
      const store = localDirectory(join(root, 'repository'));
      expect(await probeStorage(store)).toMatchObject({ putIfAbsent: { whole: 'kept', inParts: 'kept' } });
      for await (const { key } of store.list('')) throw new Error(`${key} was left`);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it('is not said of one that gives back other bytes', async () => {
    const store = s3.store({ prefix: 'damaged' });
    const damaged = { ...store, get: async () => Readable.from([Buffer.from('other bytes')]) };
    await expect(probeStorage(damaged)).rejects.toMatchObject({ code: 'storage_failed', retryable: false });
    for await (const { key } of store.list('')) throw new Error(`${key} was left`);
  });
});

test('what others put into the bucket and is no key of ours is not listed', async () => {
  const store = s3.store({ prefix: 'foreign' });
  await store.put('v1/a/b', Buffer.from('x'));
  for (const name of ['v1/', 'v1/a/', 'v1/.hidden', 'v1//double']) {
    await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: `foreign/${name}`, Body: 'x' }));
  }
  const listed = [];
  for await (const { key } of store.list('')) listed.push(key);
  expect(listed).toEqual(['v1/a/b']);
  expect(await store.folders('v1')).toEqual(['a']);
});

describe('what killed processes left', () => {
  const sendPart = async (Key: string, UploadId: string | undefined, PartNumber: number): Promise<void> => {
    await s3.client.send(new UploadPartCommand({ Bucket: s3.bucket, Key, UploadId, PartNumber, Body: 'half' }));
  };
  const begin = async (Key: string): Promise<string | undefined> => {
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket: s3.bucket, Key }));
    return UploadId;
  };

  it('is swept: what is old enough, and under the prefix alone', async () => {
    await sendPart('swept/v1/a', await begin('swept/v1/a'), 1);
    await begin('swept/v1/b');
    await begin('swept/w/c');
    await begin('swept-not/v1/d');
    const store = s3.store({ prefix: 'swept' });
    expect(await store.sweep(60_000, 'v1/')).toBe(0);
    expect(await store.sweep(0, 'v1/')).toBe(2);
    expect(await s3.uploads('swept')).toEqual(['swept-not/v1/d', 'swept/w/c']);
    expect(await store.sweep(0)).toBe(1);
    expect(await s3.uploads('swept')).toEqual(['swept-not/v1/d']);
  });

  it('does not count a put that runs', async () => {
    const store = s3.store({ prefix: 'running', plan: small });
    let swept: number | undefined;
    const body = streamOf(2 * MiB, async (sent) => {
      if (sent < MiB || swept !== undefined) return;
      await expect.poll(() => s3.uploads('running/')).toHaveLength(1);
      swept = await store.sweep(0);
    });
    await store.put('v1/a', body);
    expect(swept).toBe(0);
    expect(await store.stat('v1/a')).toMatchObject({ bytes: 2 * MiB });
  });

  it('is spared while parts still come to it, however long ago it began', async () => {
    const upload = await begin('long/v1/a');
    await delay(4000);
    await sendPart('long/v1/a', upload, 1);
    const store = s3.store({ prefix: 'long' });
    expect(await store.sweep(3000)).toBe(0);
    await delay(4000);
    expect(await store.sweep(3000)).toBe(1);
  });
});
