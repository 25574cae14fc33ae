import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeCredentials } from '../../../../src/contract/credentials.ts';
import { SkybackupError } from '../../../../src/contract/errors.ts';
import { type GcsOptions, gcsStore } from '../../../../src/engine/storage/gcs/gcs-store.ts';
import type { ObjectStore } from '../../../../src/engine/storage/object-store.ts';
import { openStorage } from '../../../../src/engine/storage/open-storage.ts';
import { startGcs, type TestGcs } from '../../../doubles/gcs.ts';
import { type HttpProxy, startHttpProxy } from '../../../servers/http-proxy.ts';
import { streamOf } from '../stream-bytes.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const hasty = { tries: 3, firstWaitMs: 10, longestWaitMs: 20 };
const otherKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;

let gcs: TestGcs;
let proxy: HttpProxy;
beforeEach(async () => {
  gcs = await startGcs();
  proxy = await startHttpProxy(gcs.port);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.stop();
  await gcs.stop();
});

/** What all the operations of a store answer, when each fails. */
async function failuresOf(store: ObjectStore): Promise<SkybackupError[]> {
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
    store.features('v1/look'),
  ];
  const ended = await Promise.allSettled(all);
  return ended.map((end) => {
    if (end.status === 'fulfilled' || !(end.reason instanceof SkybackupError)) {
      throw new Error(`expected a failure, got ${inspect(end)}`);
    }
    return end.reason;
  });
}

const asked = (key: Record<string, unknown>, more: Parameters<TestGcs['store']>[0] = {}) =>
  gcs.store({ credentials: { key: { ...gcs.credentials.key, ...key } }, patience: hasty, ...more });

describe('what is wrong with the access is told by every operation, with what to do', () => {
  it.each([
    ['a key of another', { private_key: otherKey }],
    ['a key that the account does not have', { private_key_id: 'unknown' }],
    ['an account that is gone', { client_email: 'nobody@project-of-the-tests.iam.gserviceaccount.com' }],
  ])('%s', async (_, key) => {
    for (const failure of await failuresOf(asked(key))) {
      expect(failure).toMatchObject({
        code: 'storage_failed',
        retryable: false,
        details: { reason: 'invalid_grant', status: 400 },
      });
      expect(failure.hint).toContain('Create a new key');
      expect(failure.message).toContain(`gs://${gcs.bucket}/`);
    }
  });

  it('a key that was revoked while it was in use', async () => {
    const store = asked({});
    await store.put('v1/a', Buffer.from('x'));
    gcs.tokens.revoke();
    gcs.tokens.expire();
    await expect(store.stat('v1/a')).rejects.toMatchObject({ details: { reason: 'invalid_grant' } });
  });

  it('a missing bucket', async () => {
    const store = gcsStore('gs://no-such-bucket/x', {
      credentials: gcs.credentials,
      endpoint: `http://127.0.0.1:${gcs.port}`,
      patience: hasty,
    });
    for (const failure of await failuresOf(store)) {
      expect(failure).toMatchObject({ code: 'storage_failed', details: { reason: 'NoSuchBucket', status: 404 } });
      expect(failure.hint).toContain('Create the bucket');
    }
  });

  it('a server that is not there, after the tries it was given', async () => {
    const nowhere = ['token_uri', 'endpoint'].map((what) =>
      what === 'endpoint'
        ? asked({}, { endpoint: 'http://127.0.0.1:9' })
        : asked({ [what]: 'http://127.0.0.1:9/token' }),
    );
    for (const failure of (await Promise.all(nowhere.map(failuresOf))).flat()) {
      expect(failure).toMatchObject({ code: 'storage_failed', retryable: true, details: { reason: 'ECONNREFUSED' } });
    }
  });

  it.each([
    ['storage.objects.create', (store: ObjectStore) => store.put('v1/a', Buffer.from('x'))],
    ['storage.objects.get', (store: ObjectStore) => store.get('v1/a')],
    ['storage.objects.list', (store: ObjectStore) => store.folders('v1')],
    ['storage.objects.delete', (store: ObjectStore) => store.delete('v1/a')],
  ])('a right that the account lacks, by its name: %s', async (permission, act) => {
    gcs.faults.denied.add(permission);
    const failure = await act(asked({})).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'storage_failed',
      retryable: false,
      details: { reason: 'forbidden', status: 403, permission },
    });
    expect((failure as SkybackupError).message).toContain(permission);
    expect((failure as SkybackupError).hint).toContain(`Give it ${permission} on this bucket`);
  });

  it('no key, token or address of an upload in any of them', async () => {
    const stores = [asked({ private_key: otherKey }), asked({ private_key_id: 'unknown' })];
    const failures = (await Promise.all(stores.map(failuresOf))).flat();
    gcs.faults.denied.add('storage.objects.list').add('storage.objects.get');
    proxy.answer = ({ method }) => (method === 'PUT' ? { status: 403 } : undefined);
    for (const act of [
      (store: ObjectStore) => store.folders('v1'),
      (store: ObjectStore) => store.stat('v1/a'),
      (store: ObjectStore) => store.put('v1/a', Buffer.from('x')),
    ]) {
      failures.push(await act(asked({}, { port: proxy.port })).then(Promise.reject, (error) => error));
    }
    expect(failures.length).toBeGreaterThan(15);
    for (const failure of failures) {
      const text = inspect(failure, { depth: 10, showHidden: true });
      const lines = [gcs.credentials.key.private_key, otherKey].flatMap((pem) =>
        pem.split('\n').filter((l) => l.length > 30),
      );
      for (const secret of [...lines, 'PRIVATE KEY', 'ya29.', 'Bearer', 'upload_id', 'assertion', 'eyJ']) {
        expect(text).not.toContain(secret);
      }
    }
  });
});

describe('a clock that is twenty minutes off', () => {
  beforeEach(() => {
    gcs.clockOffsetMs = -20 * 60_000;
  });

  it('is made up for by the time that the storage tells, and found when it is looked for', async () => {
    const store = gcs.store();
    await store.put('v1/a', Buffer.from('x'));
    expect(await store.stat('v1/a')).toMatchObject({ bytes: 1 });
    expect((await store.features('v1/look')).clockOffsetMs).toBeLessThan(-19 * 60_000);
  });

  it('is named when the storage tells no time', async () => {
    proxy.headers = (headers) => void delete headers.date;
    const store = asked({ token_uri: `http://127.0.0.1:${proxy.port}/token` }, { port: proxy.port });
    for (const failure of await failuresOf(store)) {
      expect(failure).toMatchObject({ code: 'storage_failed', retryable: false, details: { reason: 'ClockSkew' } });
      expect(failure.hint).toContain("Set the machine's clock");
    }
  });
});

describe('access tokens', () => {
  it('are asked for once, however many need one at the same time', async () => {
    const store = gcs.store();
    await Promise.all(Array.from({ length: 8 }, (_, i) => store.put(`v1/${i}`, Buffer.from('x'))));
    expect(gcs.tokens.given).toBe(1);
  });

  it('that are refused in the middle of an upload are replaced, and no byte is lost', async () => {
    const store = gcs.store({ chunkBytes: MiB });
    let expired = 0;
    const body = streamOf(8 * MiB, (sent) => {
      if (sent % (2 * MiB) !== 0) return;
      expired += 1;
      gcs.tokens.expire();
    });
    expect(await store.put('v1/a', body)).toEqual({ bytes: 8 * MiB });
    expect(expired).toBe(4);
    expect(gcs.tokens.given).toBeGreaterThan(1);
    expect(await store.stat('v1/a')).toMatchObject({ bytes: 8 * MiB });
  });

  it('that are refused though they are new are not asked for again and again', async () => {
    proxy.answer = () => ({ status: 401, body: '{"error":{"code":401,"errors":[{"reason":"authError"}]}}' });
    const store = gcs.store({ port: proxy.port });
    await expect(store.stat('v1/a')).rejects.toMatchObject({ details: { reason: 'authError', status: 401 } });
    expect(gcs.tokens.given).toBe(2);
  });
});

describe('what a storage refuses', () => {
  const answering = (status: number, reason: string, method = /./) => {
    const body = JSON.stringify({ error: { code: status, message: 'No.', errors: [{ reason, domain: 'global' }] } });
    proxy.answer = (request) => (method.test(request.method ?? '') ? { status, body } : undefined);
  };
  const store = () => gcs.store({ prefix: 'refused', port: proxy.port, patience: hasty });

  it.each([
    ['retentionPolicyNotMet', 'retention policy', 'Wait until its time is over'],
    ['objectUnderActiveHold', 'a hold keeps it', 'Release the hold'],
  ])('a deletion that %s forbids is reported at once, with the reason', async (reason, says, hint) => {
    await store().put('v1/a', Buffer.from('x'));
    gcs.faults.retained = reason;
    proxy.requests.length = 0;
    const failure = await store()
      .delete('v1/a')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'storage_failed', retryable: false, details: { reason, status: 403 } });
    expect((failure as SkybackupError).message).toContain(says);
    expect((failure as SkybackupError).hint).toContain(hint);
    expect(proxy.requests).toHaveLength(1);
    expect(await store().stat('v1/a')).toMatchObject({ bytes: 1 });
  });

  it.each([
    [403, 'forbidden', 'roles/storage.objectUser', false],
    [403, 'accountDisabled', 'Switch it on', false],
    [403, 'quotaExceeded', "Raise the project's quota", false],
    [403, 'rateLimitExceeded', 'Try again later', true],
    [429, 'rateLimitExceeded', 'Try again later', true],
    [503, 'backendError', 'Try again later', true],
    [500, 'internalError', 'Check that the storage', true],
  ])('%i %s has a hint', async (status, reason, hint, passing) => {
    answering(status, reason);
    const failure = await store()
      .folders('v1')
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'storage_failed', retryable: passing, details: { reason, status } });
    expect((failure as SkybackupError).hint).toContain(hint);
    expect(proxy.requests).toHaveLength(passing ? hasty.tries : 1);
  });
});

it('a range that is not heeded is noticed before a byte of it is handed on', async () => {
  const store = gcs.store({ port: proxy.port });
  await store.put('v1/a', Buffer.from('0123456789'));
  proxy.headers = (headers) => void delete headers['content-range'];
  await expect(store.get('v1/a', { start: 5, end: 7 })).rejects.toMatchObject({ code: 'storage_failed' });
});

it.each([
  ['a page', '<html>Please log in to the network</html>'],
  ['JSON of another kind', '{"items":[{"title":"x"}]}'],
])('%s instead of an answer is told as such', async (_, body) => {
  proxy.answer = () => ({ status: 200, body });
  const failure = await gcs
    .store({ port: proxy.port })
    .folders('v1')
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'storage_failed', retryable: false, details: { reason: 'BadAnswer' } });
});

describe('credentials', () => {
  const machine = (prefix: string, more: GcsOptions = {}) =>
    gcsStore(`gs://${gcs.bucket}/${prefix}`, { endpoint: `http://127.0.0.1:${gcs.port}`, patience: hasty, ...more });

  it("come as the contract's base64 text, and the API's address as the libraries have it", async () => {
    vi.stubEnv('STORAGE_EMULATOR_HOST', `127.0.0.1:${gcs.port}`);
    const credentials = Buffer.from(JSON.stringify(gcs.credentials.key)).toString('base64');
    expect(decodeCredentials(credentials).kind).toBe('gcs');
    const store = openStorage({ path: `gs://${gcs.bucket}/decoded`, credentials });
    await store.put('v1/a', Buffer.from('x'));
    expect(await store.stat('v1/a')).toMatchObject({ bytes: 1 });
  });

  describe('where none are given', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'skb-credentials-'));
      vi.stubEnv('CLOUDSDK_CONFIG', '/nowhere');
      vi.stubEnv('METADATA_SERVER_DETECTION', 'none');
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(folder, 'credentials.json'));
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));
    const credentialsFile = (content: unknown) => writeFile(join(folder, 'credentials.json'), JSON.stringify(content));

    it('are those of the key file that the environment names', async () => {
      await credentialsFile(gcs.credentials.key);
      const store = machine('of-a-file');
      await store.put('v1/a', Buffer.from('x'));
      gcs.tokens.expire();
      expect(await store.stat('v1/a')).toMatchObject({ bytes: 1 });
      gcs.tokens.revoke();
      gcs.tokens.expire();
      await expect(store.stat('v1/a')).rejects.toMatchObject({ details: { reason: 'invalid_grant' } });
    });

    const workload = async (subject: string, port = gcs.port): Promise<void> => {
      const identity = join(folder, 'identity');
      await writeFile(identity, subject);
      await credentialsFile({
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/one',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `http://127.0.0.1:${port}/workload/token`,
        credential_source: { file: identity },
      });
    };

    it('do not keep it waiting for ever where tokens are exchanged', async () => {
      await workload('identity-of-a-workload', proxy.port);
      proxy.answer = () => new Promise(() => {});
      await expect(machine('of-a-slow-workload', { stallMs: 300 }).stat('v1/a')).rejects.toMatchObject({
        code: 'storage_failed',
        retryable: true,
      });
      expect(proxy.requests.length).toBeGreaterThanOrEqual(hasty.tries);
    });

    it("are a workload's identity, exchanged for a token", async () => {
      await workload('identity-of-a-workload');
      const store = machine('of-a-workload');
      await store.put('v1/a', Buffer.from('x'));
      gcs.tokens.expire();
      expect(await store.stat('v1/a')).toMatchObject({ bytes: 1 });
      await workload('identity-of-another');
      gcs.tokens.expire();
      const failure = await store.stat('v1/a').catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'storage_failed', details: { reason: 'invalid_grant' } });
      expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('identity-of-another');
    });

    it("are the virtual machine's", async () => {
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined);
      vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
      vi.stubEnv('GCE_METADATA_HOST', `127.0.0.1:${gcs.port}`);
      const store = machine('of-the-machine');
      await store.put('v1/a', Buffer.from('x'));
      gcs.tokens.expire();
      expect(await store.stat('v1/a')).toMatchObject({ bytes: 1 });
    });

    it('are read anew once a key file that was broken is mended', async () => {
      const { private_key } = gcs.credentials.key;
      await credentialsFile({ ...gcs.credentials.key, private_key: private_key.slice(0, 500) });
      const store = machine('of-a-mended-file');
      const failure = await store.stat('v1/a').catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('not whole') });
      expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain(private_key.slice(100, 160));
      await credentialsFile(gcs.credentials.key);
      expect(await store.stat('v1/a')).toBeUndefined();
    });

    it.each([
      ['there are none', undefined],
      ['the file that should hold them is not there', '/nowhere/credentials.json'],
    ])('are missed by name where %s', async (_, path) => {
      vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', path);
      await expect(machine('none').stat('v1/a')).rejects.toMatchObject({
        code: 'storage_failed',
        retryable: false,
        details: { reason: 'NoCredentials' },
      });
    });
  });
});
