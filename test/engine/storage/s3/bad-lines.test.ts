import { setTimeout as delay } from 'node:timers/promises';
import { ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { partPlan } from '../../../../src/engine/storage/s3/part-plan.ts';
import { type HttpProxy, startHttpProxy } from '../../../servers/http-proxy.ts';
import { startS3, type TestS3 } from '../../../servers/swift-s3.ts';
import { startTcpProxy, type TcpProxy } from '../../../servers/tcp-proxy.ts';
import { resumedReads, steadfast } from '../resumed-read-contract.ts';
import { digestOf, streamOf } from '../stream-bytes.ts';

const MiB = 1024 * 1024;
const size = 30 * MiB + 17;

let s3: TestS3;
let line: TcpProxy;
let http: HttpProxy;
let whole: { sha256: string; bytes: number };
beforeAll(async () => {
  s3 = await startS3();
  whole = await digestOf(streamOf(size));
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

/** Numbers of the parts of an unfinished upload that the server has. */
const arrived = async (Key: string): Promise<(number | undefined)[]> => {
  const Bucket = s3.bucket;
  const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
  const UploadId = Uploads[0]?.UploadId;
  if (UploadId === undefined) return [];
  const { Parts = [] } = await s3.client.send(new ListPartsCommand({ Bucket, Key, UploadId }));
  return Parts.map(({ PartNumber }) => PartNumber);
};
const partNumbers = () => http.requests.flatMap((request) => /partNumber=(\d+)/.exec(request)?.[1] ?? []);

describe('a put goes on', () => {
  it('where connections are cut: the part is sent again', async () => {
    const store = s3.store({ port: line.port });
    line.troubles.push(
      { kind: 'cut', direction: 'up', afterBytes: 3 * MiB },
      { kind: 'cut', direction: 'up', afterBytes: 9 * MiB },
      { kind: 'cut', direction: 'down', afterBytes: 100 },
    );
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    expect(line.troubles).toEqual([]);
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });

  it('where a connection stalls, going up or waiting for the answer', async () => {
    const store = s3.store({ port: line.port, stallMs: 1500 });
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

  it('over a line so slow that a part takes longer than the time after which one counts as stalled', async () => {
    // Sockets hold some 6 MB of it, so that its sender sees it move only now and then.
    line.bytesPerSecond = 4 * MiB;
    const store = s3.store({ port: line.port, stallMs: 2500, plan: { ...partPlan, firstBytes: 16 * MiB } });
    const since = Date.now();
    await store.put('v1/a', streamOf(17 * MiB));
    expect(Date.now() - since).toBeGreaterThan(3500);
    // One try of each: its connections are those of the requests that ran beside each other.
    expect(line.connections).toBeLessThan(8);
  });

  it('through a storm of 503, with every request refused four times', async () => {
    const refused = new Map<string, number>();
    http.answer = ({ method, url }) => {
      const request = `${method} ${url}`;
      const times = refused.get(request) ?? 0;
      refused.set(request, times + 1);
      if (times >= 4) return undefined;
      return { status: 503, body: '<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>' };
    };
    const store = s3.store({ port: http.port });
    expect(await store.put('v1/a', streamOf(size))).toEqual({ bytes: size });
    expect(refused.size).toBeGreaterThan(6);
    http.answer = () => undefined;
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });

  it('when the server is killed in the middle and comes back: what had arrived is not sent again', async () => {
    const store = s3.store({ prefix: 'killed', port: http.port, patience: steadfast });
    const killAt = 20 * MiB;
    let back: Promise<void> | undefined;
    const body = streamOf(size, async (sent) => {
      if (sent < killAt || back !== undefined) return;
      await expect.poll(() => arrived('killed/v1/a')).toContain(1);
      await s3.kill();
      back = delay(500).then(() => s3.up());
    });
    expect(await store.put('v1/a', body)).toEqual({ bytes: size });
    await back;
    expect(partNumbers().filter((number) => number === '1')).toHaveLength(1);
    expect(partNumbers().filter((number) => number === '3').length).toBeGreaterThan(0);
    expect(await digestOf(await store.get('v1/a'))).toEqual(whole);
  });

  it.each([
    ['of the only request', 3 * MiB, /^PUT .*x-id=PutObject/],
    ['to the beginning', size, /^POST .*\?uploads/],
    ['of the completion', size, /^POST .*uploadId=/],
    ['of a part', size, /partNumber=2/],
  ])('when the answer %s is lost', async (_, bytes, which) => {
    let lost = 0;
    http.lose = ({ method, url }) => which.test(`${method} ${url}`) && lost++ === 0;
    const store = s3.store({ port: http.port });
    expect(await store.put('v1/a', streamOf(bytes))).toEqual({ bytes });
    expect(lost).toBeGreaterThan(1);
    expect(await store.stat('v1/a')).toMatchObject({ bytes });
    expect(await s3.uploads()).toEqual([]);
  });
});

resumedReads(startS3, 'PreconditionFailed');

describe('a put that is given up', () => {
  it('leaves no part, with several on their way over a slow line', async () => {
    line.bytesPerSecond = 4 * MiB;
    const abort = new AbortController();
    const store = s3.store({ prefix: 'given-up', port: line.port });
    const put = store.put('v1/a', streamOf(size * 10), { signal: abort.signal });
    await expect.poll(() => s3.uploads('given-up/')).toHaveLength(1);
    await delay(1000);
    abort.abort();
    await expect(put).rejects.toMatchObject({ code: 'cancelled' });
    expect(await s3.uploads('given-up/')).toEqual([]);
    expect(await store.stat('v1/a')).toBeUndefined();
  });

  it('leaves nothing begun, when it is given up before it knows that it had begun', async () => {
    const abort = new AbortController();
    http.lose = ({ method, url }) => {
      const begins = method === 'POST' && /\?uploads/.test(url ?? '');
      if (begins) abort.abort();
      return begins;
    };
    const put = s3.store({ prefix: 'unknown', port: http.port }).put('v1/a', streamOf(size), { signal: abort.signal });
    await expect(put).rejects.toMatchObject({ code: 'cancelled' });
    expect(http.requests.filter((request) => /\?uploads/.test(request)).length).toBeGreaterThan(0);
    expect(await s3.uploads('unknown/')).toEqual([]);
  });

  it('leaves no part when the storage fails for good', async () => {
    http.answer = ({ url }) =>
      /partNumber=3/.test(url ?? '') ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : undefined;
    const store = s3.store({ prefix: 'failed', port: http.port });
    const body = streamOf(size * 10);
    await expect(store.put('v1/a', body)).rejects.toMatchObject({ details: { reason: 'AccessDenied' } });
    expect(body.destroyed).toBe(true);
    expect(await s3.uploads('failed/')).toEqual([]);
  });
});
