import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ByteLimit } from '../../../src/engine/storage/byte-limit.ts';
import { limitedStore } from '../../../src/engine/storage/limited-store.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { startS3, type TestS3 } from '../../servers/swift-s3.ts';
import { objectStoreContract } from './object-store-contract.ts';
import { digestOf, streamOf } from './stream-bytes.ts';

const MiB = 1024 * 1024;
let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3?.stop());

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return (performance.now() - since) / 1000;
}

it('a transfer takes the time that its size and the limit say, in each direction', async () => {
  const store = limitedStore(s3.store(), new ByteLimit(4 * MiB));
  const up = await secondsOf(() => store.put('v1/a', streamOf(12 * MiB)));
  expect(up).toBeGreaterThan(2.6);
  expect(up).toBeLessThan(5);
  const down = await secondsOf(async () => digestOf(await store.get('v1/a')));
  expect(down).toBeGreaterThan(2.6);
  expect(down).toBeLessThan(5);
  expect(await digestOf(await s3.store({ prefix: store.url.split('/').at(-1) ?? '' }).get('v1/a'))).toEqual(
    await digestOf(streamOf(12 * MiB)),
  );
});

it('two transfers share one limit, alike', async () => {
  const store = limitedStore(s3.store(), new ByteLimit(4 * MiB));
  await s3.store({ prefix: store.url.split('/').at(-1) ?? '' }).put('v1/there', streamOf(7 * MiB));
  const both = [() => store.put('v1/a', streamOf(7 * MiB)), async () => digestOf(await store.get('v1/there'))];
  const took = await Promise.all(both.map(secondsOf));
  for (const seconds of took) expect(seconds).toBeGreaterThan(2.6);
  expect(Math.max(...took)).toBeGreaterThan(3.1);
  expect(Math.max(...took)).toBeLessThan(5.5);
});

it('a limit that is raised counts at once for what runs', async () => {
  const limit = new ByteLimit(MiB / 2);
  const store = limitedStore(s3.store(), limit);
  const body = streamOf(12 * MiB, (sent) => {
    if (sent >= MiB) limit.bytesPerSecond = undefined;
  });
  expect(await secondsOf(() => store.put('v1/a', body))).toBeLessThan(6);
});

it('a put that is cancelled while it waits ends at once, and closes what it read from', async () => {
  const abort = new AbortController();
  const store = limitedStore(s3.store({ prefix: 'cancelled' }), new ByteLimit(1000));
  const body = new Readable({ read() {} });
  body.push(Buffer.alloc(MiB));
  const put = store.put('v1/a', body, { signal: abort.signal });
  setTimeout(() => abort.abort(), 300);
  expect(await secondsOf(() => expect(put).rejects.toMatchObject({ code: 'cancelled' }))).toBeLessThan(3);
  await expect.poll(() => body.destroyed).toBe(true);
});

objectStoreContract('a limited storage', async () => {
  const root = await mkdtemp(join(tmpdir(), 'skb-store-'));
  return {
    store: limitedStore(localDirectory(join(root, 'repository')), new ByteLimit(1000 * MiB)),
    leftovers: () => readdir(join(root, 'repository', '.incoming')).catch(() => []),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
});
