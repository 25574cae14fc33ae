import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startGcs, type TestGcs } from '../../../doubles/gcs.ts';
import { type HttpProxy, startHttpProxy } from '../../../servers/http-proxy.ts';
import { startTcpProxy, type TcpProxy } from '../../../servers/tcp-proxy.ts';
import { resumedReads, steadfast } from '../resumed-read-contract.ts';
import { digestOf, streamOf } from '../stream-bytes.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const size = 30 * MiB + 17;
const chunkBytes = 8 * MiB;

let gcs: TestGcs;
let line: TcpProxy;
let http: HttpProxy;
let whole: { sha256: string; bytes: number };
beforeAll(async () => {
  gcs = await startGcs();
  whole = await digestOf(streamOf(size));
});
afterAll(() => gcs?.stop());
beforeEach(async () => {
  line = await startTcpProxy(gcs.port);
  http = await startHttpProxy(gcs.port);
  gcs.arrivals.length = 0;
});
afterEach(async () => {
  await line.stop();
  await http.stop();
  gcs.faults.keep = (bytes) => bytes;
});

const arrived = (): number => gcs.arrivals.reduce((sum, bytes) => sum + bytes, 0);

describe('a put goes on', () => {
  it('where connections are cut: only what the server lacks is sent again', async () => {
    const store = gcs.store({ port: line.port, chunkBytes });
    line.troubles.push(
      { kind: 'cut', direction: 'up', afterBytes: 3 * MiB },
      { kind: 'cut', direction: 'up', afterBytes: 9 * MiB },
      { kind: 'cut', direction: 'down', afterBytes: 100 },
    );
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    expect(line.troubles).toEqual([]);
    // Each cut costs at most the block of 256 KiB that it hit.
    expect(arrived()).toBeGreaterThanOrEqual(size);
    expect(arrived()).toBeLessThan(size + 3 * 256 * KiB);
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });

  it('where the server keeps less than it was sent', async () => {
    const store = gcs.store({ port: line.port, chunkBytes });
    gcs.faults.keep = (bytes) => (gcs.arrivals.length === 1 ? 2 * MiB + 5 : bytes);
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    expect(gcs.arrivals.slice(0, 2)).toEqual([8 * MiB, 6 * MiB]);
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });

  it('where the server keeps nothing of a piece, but not for ever', async () => {
    const store = gcs.store({
      prefix: 'kept-not',
      chunkBytes,
      patience: { tries: 3, firstWaitMs: 10, longestWaitMs: 20 },
    });
    gcs.faults.keep = (bytes) => (gcs.arrivals.length <= 2 ? 0 : bytes);
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    gcs.faults.keep = () => 0;
    await expect(store.put('v1/b', streamOf(size))).rejects.toMatchObject({ details: { reason: 'NoProgress' } });
    expect(gcs.uploads('kept-not/')).toEqual([]);
  });

  it('where a connection stalls, going up or waiting for the answer', async () => {
    const store = gcs.store({ port: line.port, stallMs: 1500, chunkBytes });
    line.troubles.push(
      { kind: 'stall', direction: 'up', afterBytes: 12 * MiB },
      { kind: 'stall', direction: 'down', afterBytes: 1 },
    );
    const since = Date.now();
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    expect(line.troubles).toEqual([]);
    expect(Date.now() - since).toBeGreaterThan(1500);
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });

  it('over a line so slow that a chunk takes longer than the time after which one counts as stalled', async () => {
    // Sockets hold some 6 MB of it, so that its sender sees it move only now and then.
    line.bytesPerSecond = 4 * MiB;
    const store = gcs.store({ port: line.port, stallMs: 2500, chunkBytes: 16 * MiB });
    const since = Date.now();
    await store.put('v1/a', streamOf(17 * MiB));
    expect(Date.now() - since).toBeGreaterThan(3500);
    expect(gcs.arrivals).toEqual([16 * MiB, MiB]);
  });

  it.each([
    ['503', { status: 503, body: '{"error":{"code":503,"message":"x","errors":[{"reason":"backendError"}]}}' }],
    ['429', { status: 429, body: '{"error":{"code":429,"message":"x","errors":[{"reason":"rateLimitExceeded"}]}}' }],
    ['502 of a proxy in between', { status: 502, body: '<html>Bad Gateway</html>' }],
  ])('through a storm of %s, with every request refused four times', async (_, refusal) => {
    const refused = new Map<string, number>();
    http.answer = ({ method, url, headers }) => {
      const request = `${method} ${url} ${headers['content-range']}`;
      const times = refused.get(request) ?? 0;
      refused.set(request, times + 1);
      return times < 4 ? refusal : undefined;
    };
    const store = gcs.store({ port: http.port, chunkBytes });
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    expect(refused.size).toBeGreaterThan(5);
    expect(arrived()).toBe(size);
    http.answer = () => undefined;
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });

  it('when the server is killed in the middle and comes back: what had arrived is not sent again', async () => {
    const store = gcs.store({ patience: steadfast, chunkBytes });
    let back: Promise<void> | undefined;
    const body = streamOf(size, async (sent) => {
      if (sent < 20 * MiB || back !== undefined) return;
      await expect.poll(() => gcs.arrivals.length).toBeGreaterThan(1);
      await gcs.kill();
      back = delay(500).then(() => gcs.up());
    });
    expect(await store.put('v1/a', body)).toEqual({ bytes: size });
    await back;
    expect(arrived()).toBeLessThan(size + 256 * KiB);
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });

  it.each([
    ['to the beginning of an upload', /^POST/],
    ['to a chunk', /^PUT .* bytes \d+-\d+\/\*$/],
    ['to the last chunk', /^PUT .* bytes \d+-\d+\/\d+$/],
  ])('when the answer %s is lost', async (_, which) => {
    let lost = 0;
    http.lose = ({ method, url, headers }) =>
      which.test(`${method} ${url} ${headers['content-range']}`) && lost++ === 0;
    const store = gcs.store({ port: http.port, chunkBytes });
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    expect(lost).toBeGreaterThan(0);
    expect(arrived()).toBe(size);
    expect(await store.stat('v1/a')).toMatchObject({ bytes: size });
  });

  it('when all answers to the last chunk are lost: the object that it became is found', async () => {
    const hasty = { tries: 3, firstWaitMs: 10, longestWaitMs: 20 };
    http.lose = ({ method, headers }) => method === 'PUT' && /\/\d+$/.test(String(headers['content-range']));
    const store = gcs.store({ port: http.port, chunkBytes, patience: hasty });
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });
});

resumedReads(startGcs, 'conditionNotMet');

describe('a put that is given up', () => {
  it('leaves nothing, with a chunk on its way over a slow line', async () => {
    line.bytesPerSecond = 4 * MiB;
    const abort = new AbortController();
    const store = gcs.store({ prefix: 'given-up', port: line.port });
    const put = store.put('v1/a', streamOf(size * 10), { signal: abort.signal });
    await expect.poll(() => gcs.uploads('given-up/')).toHaveLength(1);
    await delay(1000);
    abort.abort();
    await expect(put).rejects.toMatchObject({ code: 'cancelled' });
    expect(gcs.uploads('given-up/')).toEqual([]);
    expect(await store.stat('v1/a')).toBeUndefined();
  });

  it('leaves nothing when it is given up before it knows that it had begun', async () => {
    const abort = new AbortController();
    http.lose = ({ method }) => {
      if (method === 'POST') abort.abort();
      return method === 'POST';
    };
    const store = gcs.store({ prefix: 'unknown', port: http.port });
    await expect(store.put('v1/a', streamOf(size), { signal: abort.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(await store.stat('v1/a')).toBeUndefined();
  });

  it('leaves nothing when it had become an object by then', async () => {
    const abort = new AbortController();
    http.lose = ({ method, headers }) => {
      if (method !== 'PUT' || !/\/\d+$/.test(String(headers['content-range']))) return false;
      abort.abort();
      return true;
    };
    const store = gcs.store({ prefix: 'given-up-late', port: http.port });
    const put = store.put('v1/a', streamOf(size), { signal: abort.signal });
    await expect(put).rejects.toMatchObject({ code: 'cancelled' });
    expect(await store.stat('v1/a')).toBeUndefined();
  });

  it('leaves nothing when the storage fails for good', async () => {
    http.answer = ({ headers }) =>
      /^bytes 16777216-/.test(String(headers['content-range']))
        ? { status: 403, body: '{"error":{"code":403,"message":"no","errors":[{"reason":"forbidden"}]}}' }
        : undefined;
    const store = gcs.store({ prefix: 'failed', port: http.port, chunkBytes });
    const body = streamOf(size * 10);
    await expect(store.put('v1/a', body)).rejects.toMatchObject({ details: { reason: 'forbidden' } });
    expect(body.destroyed).toBe(true);
    expect(gcs.uploads('failed/')).toEqual([]);
  });

  it('fails at once when the server has lost the upload, and says to begin anew', async () => {
    const store = gcs.store({ prefix: 'lost', chunkBytes });
    let forgotten = false;
    const body = streamOf(size, (sent) => {
      if (sent < 20 * MiB || forgotten) return;
      forgotten = true;
      gcs.forgetUploads();
    });
    const failure = await store.put('v1/a', body).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'storage_failed', details: { reason: 'SessionLost' } });
    expect(await store.stat('v1/a')).toBeUndefined();
  });
});
