import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeS3Credentials } from '../../../../src/contract/credentials.ts';
import { systemClock } from '../../../../src/engine/clock.ts';
import { openRepository } from '../../../../src/engine/repository/open.ts';
import { carryOutRemovals } from '../../../../src/engine/retention/removal.ts';
import { partPlan } from '../../../../src/engine/storage/s3/part-plan.ts';
import { routedRepository } from '../../../../src/engine/storages/routed-repository.ts';
import { Storages } from '../../../../src/engine/storages/storages.ts';
import { openState, type StateStore } from '../../../../src/engine/store/state-store.ts';
import { type HttpProxy, startHttpProxy } from '../../../servers/http-proxy.ts';
import { type TestHome, temporaryHome } from '../../../servers/managed.ts';
import { startS3, type TestS3 } from '../../../servers/swift-s3.ts';
import { backupIdOf, objectKeyOf, sampleManifest } from '../../repository/sample-manifest.ts';
import { streamOf } from '../stream-bytes.ts';

const KiB = 1024;
const dayMs = 24 * 60 * 60_000;

let s3: TestS3;
let proxy: HttpProxy;
beforeAll(async () => {
  s3 = await startS3({ smallestPart: 1 });
});
afterAll(() => s3.stop());
beforeEach(async () => {
  proxy = await startHttpProxy(s3.port);
});
afterEach(() => proxy.stop());

/** As a server with object lock answers where the one of the tests knows none. */
const enabled = {
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>',
};
const asksForLock = ({ url = '' }: IncomingMessage): boolean => url.includes('object-lock');

describe('what is put with an object lock', () => {
  it.each(['governance', 'compliance'] as const)(
    'says so, whole and in parts, with the checksum that this demands (%s)',
    async (mode) => {
      const seen: { what: string; headers: IncomingMessage['headers'] }[] = [];
      proxy.answer = ({ method, url = '', headers }) => {
        // What the server of the tests refuses at once is asked again without.
        if ((method === 'PUT' || method === 'POST') && headers['if-none-match'] === undefined)
          seen.push({ what: `${method} ${url.split('?')[1] ?? 'whole'}`, headers });
        return undefined;
      };
      const store = s3.store({
        port: proxy.port,
        plan: { ...partPlan, firstBytes: 64 * KiB },
        objectLock: { mode, days: 30 },
      });
      await store.put('v1/whole', Buffer.from('a manifest'));
      await store.put('v1/parts', streamOf(150 * KiB));
      // A checksum that was wrong would be refused: the server checks it.
      const locked = seen.filter(({ headers }) => headers['x-amz-object-lock-mode'] !== undefined);
      expect(locked.map(({ what }) => what.replace(/x-id=\w+/, ''))).toEqual([
        expect.stringMatching(/^PUT/),
        expect.stringMatching(/^POST uploads/),
      ]);
      for (const { headers } of locked) {
        expect(headers['x-amz-object-lock-mode']).toBe(mode.toUpperCase());
        const until = Date.parse(String(headers['x-amz-object-lock-retain-until-date']));
        expect(Math.abs(until - Date.now() - 30 * dayMs)).toBeLessThan(60_000);
      }
      const withBytes = seen.filter(({ what }) => what.startsWith('PUT'));
      expect(withBytes).toHaveLength(4);
      for (const { headers } of withBytes) expect(headers['content-md5']).toMatch(/^[A-Za-z0-9+/]{22}==$/);
    },
  );

  it('is put plainly without one', async () => {
    const seen: string[] = [];
    proxy.answer = ({ headers }) => void seen.push(...Object.keys(headers));
    await s3.store({ port: proxy.port }).put('v1/plain', Buffer.from('x'));
    expect(seen.filter((name) => /object-lock|content-md5/.test(name))).toEqual([]);
  });
});

describe('whether a bucket locks objects', () => {
  it('is asked, and a server that knows no such thing locks none', async () => {
    const store = s3.store({ port: proxy.port });
    expect(await store.locksObjects?.()).toBe(false);
    proxy.answer = (request) => (asksForLock(request) ? enabled : undefined);
    expect(await store.locksObjects?.()).toBe(true);
    const none = '<Error><Code>ObjectLockConfigurationNotFoundError</Code><Message>none</Message></Error>';
    proxy.answer = (request) =>
      asksForLock(request) ? { status: 404, headers: enabled.headers, body: none } : undefined;
    expect(await store.locksObjects?.()).toBe(false);
    const denied = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
    proxy.answer = (request) =>
      asksForLock(request) ? { status: 403, headers: enabled.headers, body: denied } : undefined;
    await expect(store.locksObjects?.()).rejects.toMatchObject({ code: 'storage_failed' });
  });
});

describe('a deletion that the lock forbids', () => {
  let home: TestHome;
  let state: StateStore;
  let storages: Storages;
  let now: number;
  let id: string;
  beforeEach(async () => {
    home = temporaryHome();
    state = openState(home.home.state);
    now = Date.now();
    const clock = { ...systemClock, now: () => now };
    storages = new Storages({ home: home.home, state, clock });
    proxy.answer = (request) => (asksForLock(request) ? enabled : undefined);
    const endpoint_url = `http://127.0.0.1:${proxy.port}`;
    const credentials = encodeS3Credentials({ ...s3.credentials, endpoint_url });
    const path = `s3://${s3.bucket}/locked-${now}` as const;
    await storages.add({ name: 'vault', path, credentials, object_lock: { mode: 'compliance', days: 30 } });
    id = backupIdOf(1);
    const repository = openRepository(s3.store({ prefix: `locked-${now}` }));
    const object = await repository.putObject(
      objectKeyOf(id),
      Readable.from([Buffer.from('x')]),
      AbortSignal.timeout(10_000),
    );
    await repository.publish(sampleManifest(id, object));
    state.removals.add({ backup_id: id, service_id: 'shop', storage: 'vault' });
  });
  afterEach(async () => {
    state.close();
    await home.dispose();
  });

  const remove = (): Promise<string[]> => {
    const clock = { ...systemClock, now: () => now };
    return carryOutRemovals({ state, storages, repository: routedRepository(storages), clock, log: () => undefined });
  };
  const deletions = (): number => proxy.requests.filter((request) => request.startsWith('DELETE')).length;

  it('is not even tried before the time that the object tells, which is said; then it is done', async () => {
    const before = deletions();
    const until = new Date(Math.ceil(now / 1000) * 1000 + 20 * dayMs);
    proxy.headers = (headers) => {
      headers['x-amz-object-lock-mode'] = 'COMPLIANCE';
      headers['x-amz-object-lock-retain-until-date'] = until.toISOString();
    };
    expect(await remove()).toEqual([
      expect.stringContaining(`they are removed after ${until.toISOString().slice(0, 10)}`),
    ]);
    const asked = proxy.requests.length;
    expect(await remove()).toEqual([]);
    expect(proxy.requests).toHaveLength(asked);
    expect(deletions()).toBe(before);
    // A backup that was taken off the list stays off it.
    expect(state.removals.has(id)).toBe(true);
    now = until.getTime() + 1000;
    expect(await remove()).toEqual([]);
    expect(deletions()).toBe(before + 2);
    expect(state.removals.list()).toEqual([]);
  });

  it('waits for as long as the storage locks where the server refuses and does not say until when', async () => {
    const denied = '<Error><Code>AccessDenied</Code><Message>Object is WORM protected</Message></Error>';
    proxy.answer = ({ method }) =>
      method === 'DELETE' ? { status: 403, headers: enabled.headers, body: denied } : undefined;
    expect(await remove()).toEqual([expect.stringContaining('the object lock of storage vault keeps its files')]);
    const asked = proxy.requests.length;
    now += 29 * dayMs;
    expect(await remove()).toEqual([]);
    expect(proxy.requests).toHaveLength(asked);
    proxy.answer = () => undefined;
    now += 2 * dayMs;
    expect(await remove()).toEqual([]);
    expect(state.removals.list()).toEqual([]);
  });

  it('of a storage that is out of reach waits for it, without asking it each time', async () => {
    storages.reach.failed('vault', new Error('away'));
    const asked = proxy.requests.length;
    expect(await remove()).toEqual([expect.stringContaining('storage vault is out of reach')]);
    expect(proxy.requests).toHaveLength(asked);
    await storages.reach.look();
    expect(await remove()).toEqual([]);
    expect(state.removals.list()).toEqual([]);
  });
});
