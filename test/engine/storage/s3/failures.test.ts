import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeCredentials, encodeS3Credentials } from '../../../../src/contract/credentials.ts';
import { SkybackupError } from '../../../../src/contract/errors.ts';
import { partPlan } from '../../../../src/engine/storage/s3/part-plan.ts';
import { type S3Options, s3Store } from '../../../../src/engine/storage/s3/s3-store.ts';
import { type HttpProxy, startHttpProxy } from '../../../servers/http-proxy.ts';
import { startS3, type TestS3 } from '../../../servers/swift-s3.ts';
import { streamOf } from '../stream-bytes.ts';

const wrongSecret = 'some-other-secret-of-the-tests';
const hasty = { tries: 3, firstWaitMs: 10, longestWaitMs: 20 };

let s3: TestS3;
let proxy: HttpProxy;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3?.stop());
beforeEach(async () => {
  proxy = await startHttpProxy(s3.port);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await proxy.stop();
});

/** What all the operations of a store answer, when each fails. */
async function failuresOf(store: ReturnType<typeof s3Store>): Promise<SkybackupError[]> {
  const listing = async () => {
    for await (const _ of store.list('v1/')) throw new Error('nothing is there');
  };
  const all = [
    store.put('v1/a', Buffer.from('x')),
    store.get('v1/a'),
    store.stat('v1/a'),
    listing(),
    store.folders('v1'),
    store.delete('v1/a'),
    store.sweep(0),
  ];
  const ended = await Promise.allSettled(all);
  return ended.map((end) => {
    if (end.status === 'fulfilled' || !(end.reason instanceof SkybackupError)) {
      throw new Error(`expected a failure, got ${inspect(end)}`);
    }
    return end.reason;
  });
}

const asked = (overrides: Partial<TestS3['credentials']>, more: S3Options = {}) =>
  s3.store({ credentials: { ...s3.credentials, ...overrides }, patience: hasty, ...more });

describe('what is wrong with the access is told by every operation, with what to do', () => {
  it.each([
    ['a wrong secret', { secret_access_key: wrongSecret }, 'SignatureDoesNotMatch', /access key and secret key anew/],
    ['an unknown key', { access_key_id: 'nobody:backup' }, 'SignatureDoesNotMatch', /access key and secret key anew/],
    ['a wrong region', { region: 'eu-west-1' }, 'AuthorizationHeaderMalformed', /region = us-east-1/],
  ])('%s', async (_, overrides, reason, hint) => {
    for (const failure of await failuresOf(asked(overrides))) {
      expect(failure).toMatchObject({ code: 'storage_failed', retryable: false, details: { reason } });
      expect(failure.hint).toMatch(hint);
      expect(failure.message).toContain(`s3://${s3.bucket}/`);
    }
  });

  it('a missing bucket', async () => {
    const store = s3Store('s3://no-such-bucket/x', { credentials: s3.credentials, patience: hasty });
    for (const failure of await failuresOf(store)) {
      expect(failure).toMatchObject({ code: 'storage_failed', details: { reason: 'NoSuchBucket' } });
      expect(failure.hint).toContain('Create the bucket');
    }
  });

  it('a server that is not there, after the tries it was given', async () => {
    const store = asked({ endpoint_url: 'http://127.0.0.1:9' });
    for (const failure of await failuresOf(store)) {
      expect(failure).toMatchObject({ code: 'storage_failed', retryable: true, details: { reason: 'ECONNREFUSED' } });
    }
  });

  it('no secret, signature or request in any of them', async () => {
    const store = asked({ secret_access_key: wrongSecret, session_token: 'a-token-of-the-tests' });
    for (const failure of await failuresOf(store)) {
      const text = inspect(failure, { depth: 10, showHidden: true });
      for (const secret of [wrongSecret, 'a-token-of-the-tests', 'AWS4-HMAC', 'Signature=', 'x-amz-date']) {
        expect(text).not.toContain(secret);
      }
    }
  });
});

describe('a clock that is twenty minutes off', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20 * 60_000 });
  });

  it('is made up for by the time that the storage tells, and found when it is looked for', async () => {
    const store = s3.store();
    await store.put('v1/a', Buffer.from('x'));
    expect(await store.stat('v1/a')).toMatchObject({ bytes: 1 });
    expect((await store.features('v1/look')).clockOffsetMs).toBeLessThan(-19 * 60_000);
  });

  it('is named when the storage tells no time', async () => {
    proxy.headers = (headers) => void delete headers.date;
    for (const failure of await failuresOf(s3.store({ port: proxy.port, patience: hasty }))) {
      expect(failure).toMatchObject({ code: 'storage_failed', details: { reason: 'RequestTimeTooSkewed' } });
      expect(failure.hint).toContain("Set the machine's clock");
    }
  });
});

describe('what cannot even be asked', () => {
  it('an address that is no URL', async () => {
    for (const failure of await failuresOf(asked({ endpoint_url: 'not an address' }))) {
      expect(failure).toMatchObject({ code: 'storage_failed', details: { reason: 'ERR_INVALID_URL' } });
    }
  });

  it('AWS, without a region', async () => {
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3']) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    const { access_key_id, secret_access_key } = s3.credentials;
    const store = s3Store('s3://my-bucket', { credentials: { access_key_id, secret_access_key }, patience: hasty });
    for (const failure of await failuresOf(store)) {
      expect(failure).toMatchObject({ code: 'storage_failed', details: { reason: 'RegionMissing' } });
      expect(failure.hint).toContain('AWS_REGION');
    }
  });
});

describe('what a storage refuses', () => {
  const answering = (status: number, code: string, message = '', method = /./) => {
    proxy.answer = (request) =>
      method.test(request.method ?? '')
        ? { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>` }
        : undefined;
  };
  const store = () => s3.store({ port: proxy.port, patience: hasty });

  it('parts that are too small: the real server says so, and nothing is left', async () => {
    const small = s3.store({ prefix: 'small', plan: { ...partPlan, firstBytes: 1_000_000 } });
    const failure = await small.put('v1/a', streamOf(3_000_000)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'storage_failed', retryable: false, details: { reason: 'EntityTooSmall' } });
    expect(await small.stat('v1/a')).toBeUndefined();
    expect(await s3.uploads('small/')).toEqual([]);
  });

  it.each([
    [507, 'InsufficientStorage'],
    [403, 'QuotaExceeded'],
  ])('%i %s is no_space, and is not tried again', async (status, code) => {
    answering(status, code, '', /PUT/);
    await expect(store().put('v1/a', Buffer.from('x'))).rejects.toMatchObject({ code: 'no_space' });
    expect(proxy.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(1);
  });

  it('a deletion that object lock forbids is reported at once, with the lock as a reason', async () => {
    answering(403, 'AccessDenied', 'Access Denied because object protected by object lock.', /DELETE/);
    const failure = await store()
      .delete('v1/a')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'storage_failed', retryable: false, details: { reason: 'AccessDenied' } });
    expect((failure as SkybackupError).message).toContain('object lock');
    expect(proxy.requests).toHaveLength(1);
  });

  it.each([
    [403, 'AccessDenied', 's3:PutObject'],
    [403, 'InvalidAccessKeyId', 'access key and secret key anew'],
    [400, 'ExpiredToken', 'temporary credentials'],
    [301, 'PermanentRedirect', "bucket's region"],
    [503, 'SlowDown', 'Try again later'],
  ])('%i %s has a hint', async (status, code, hint) => {
    answering(status, code);
    const failure = await store()
      .folders('v1')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'storage_failed', retryable: status === 503, details: { reason: code } });
    expect((failure as SkybackupError).hint).toContain(hint);
    expect(proxy.requests).toHaveLength(status === 503 ? hasty.tries : 1);
  });
});

it('a range that is not heeded is noticed before a byte of it is handed on', async () => {
  const store = s3.store({ port: proxy.port });
  await store.put('v1/a', Buffer.from('0123456789'));
  proxy.headers = (headers) => void delete headers['content-range'];
  await expect(store.get('v1/a', { start: 5, end: 7 })).rejects.toMatchObject({ code: 'storage_failed' });
});

describe('credentials', () => {
  it("come as the contract's base64 text", async () => {
    const decoded = decodeCredentials(encodeS3Credentials(s3.credentials));
    if (decoded.kind !== 's3') throw new Error('they are of S3');
    await s3Store(`s3://${s3.bucket}/decoded/`, { credentials: decoded }).put('v1/a', Buffer.from('x'));
  });

  it('are those of the environment where none are given', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.credentials.endpoint_url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', s3.credentials.access_key_id);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.credentials.secret_access_key);
    await s3Store(`s3://${s3.bucket}/environment`).put('v1/a', Buffer.from('x'));
  });

  it('are missed by name where there are none', async () => {
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.credentials.endpoint_url);
    await expect(s3Store(`s3://${s3.bucket}/none`).stat('v1/a')).rejects.toMatchObject({
      code: 'storage_failed',
      details: { reason: 'CredentialsProviderError' },
    });
  });
});
