import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/engine/storage/object-store.ts';

export interface StoreUnderTest {
  store: ObjectStore;
  /** Unfinished puts that are still there: temporary files, open multipart uploads. */
  leftovers(): Promise<string[]>;
  dispose(): Promise<void>;
}

/** What every ObjectStore promises. Each adapter's test file calls this with a fresh, empty store. */
export function objectStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: what every object store promises`, () => {
    let under: StoreUnderTest;
    let store: ObjectStore;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.dispose());

    const keys = async (prefix: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of store.list(prefix)) found.push(key);
      return found;
    };

    it('gives back what was put, whole and by range (end inclusive)', async () => {
      const data = randomBytes(3 * 1024 * 1024 + 17);
      expect(await store.put('v1/a/data', Readable.from(slices(data)))).toEqual({ bytes: data.length });
      expect((await buffer(await store.get('v1/a/data'))).equals(data)).toBe(true);
      const part = await buffer(await store.get('v1/a/data', { start: 100, end: 1_500_000 }));
      expect(part.equals(data.subarray(100, 1_500_001))).toBe(true);
      const rest = await buffer(await store.get('v1/a/data', { start: data.length - 5 }));
      expect(rest.equals(data.subarray(-5))).toBe(true);
      expect((await buffer(await store.get('v1/a/data', { start: data.length }))).length).toBe(0);
      expect(await under.leftovers()).toEqual([]);
    });

    it('takes a buffer and an empty stream', async () => {
      await store.put('v1/b/manifest.json', Buffer.from('{}'));
      await store.put('v1/b/empty', Readable.from([]));
      expect((await buffer(await store.get('v1/b/manifest.json'))).toString()).toBe('{}');
      expect((await buffer(await store.get('v1/b/empty'))).length).toBe(0);
    });

    it('tells size and time, and undefined for what is not there', async () => {
      await store.put('v1/c/x', Buffer.from('12345'));
      const found = await store.stat('v1/c/x');
      expect(found).toMatchObject({ key: 'v1/c/x', bytes: 5 });
      expect(Math.abs(Date.now() - (found?.modified.getTime() ?? 0))).toBeLessThan(3_600_000);
      expect(await store.stat('v1/c/y')).toBeUndefined();
      expect(await store.stat('v1/c/x/y')).toBeUndefined();
      expect(await store.stat('v1/c')).toBeUndefined();
    });

    it('answers not_found for reading what is not there', async () => {
      await expect(store.get('v1/none')).rejects.toMatchObject({ code: 'not_found' });
    });

    it('lists by prefix, in the order of the whole keys', async () => {
      for (const key of ['v1/s/2/b', 'v1/s-x/1/a', 'v1/s/1/a', 'v1/t/1/a', 'w/1'])
        await store.put(key, Buffer.from(key));
      expect(await keys('v1/')).toEqual(['v1/s-x/1/a', 'v1/s/1/a', 'v1/s/2/b', 'v1/t/1/a']);
      expect(await keys('v1/s/')).toEqual(['v1/s/1/a', 'v1/s/2/b']);
      expect(await keys('v1/s')).toEqual(['v1/s-x/1/a', 'v1/s/1/a', 'v1/s/2/b']);
      expect(await keys('v1/nothing/')).toEqual([]);
      expect(await keys('')).toHaveLength(5);
    });

    it('names the folders right under one, and nothing deeper or else', async () => {
      for (const key of ['v1/s/2/b', 'v1/s-x/1/a', 'v1/s/1/a', 'v1/file', 'w/1'])
        await store.put(key, Buffer.from(key));
      expect(await store.folders('v1')).toEqual(['s', 's-x']);
      expect(await store.folders('v1/s')).toEqual(['1', '2']);
      expect(await store.folders('v2')).toEqual([]);
    });

    it('takes keys with whatever means something in URLs and XML', async () => {
      const key = 'v1/a b+c%20&d<ü>"#?\'/x=1;y';
      await store.put(key, Buffer.from('x'));
      expect(await store.stat(key)).toMatchObject({ key, bytes: 1 });
      expect((await buffer(await store.get(key))).toString()).toBe('x');
      expect(await keys('v1/a b+')).toEqual([key]);
      expect(await store.folders('v1')).toEqual([key.split('/')[1]]);
      await store.delete(key);
      expect(await keys('')).toEqual([]);
    });

    it('never overwrites', async () => {
      await store.put('v1/d', Buffer.from('first'));
      await expect(store.put('v1/d', Buffer.from('second'))).rejects.toMatchObject({ code: 'conflict' });
      expect((await buffer(await store.get('v1/d'))).toString()).toBe('first');
      expect(await under.leftovers()).toEqual([]);
    });

    it('lets one of two puts of the same key win, whole', async () => {
      const bodies = [Buffer.alloc(2_000_000, 'a'), Buffer.alloc(2_000_000, 'b')];
      const results = await Promise.allSettled(bodies.map((body) => store.put('v1/e', Readable.from(slices(body)))));
      expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
      const winner = bodies[results.findIndex((result) => result.status === 'fulfilled')];
      expect((await buffer(await store.get('v1/e'))).equals(winner ?? Buffer.alloc(0))).toBe(true);
      expect(await under.leftovers()).toEqual([]);
    });

    it('leaves nothing when the put is cancelled midway', async () => {
      const abort = new AbortController();
      const endless = Readable.from(
        (async function* () {
          for (let i = 0; ; i += 1) {
            if (i === 40) abort.abort();
            yield randomBytes(64 * 1024);
          }
        })(),
      );
      await expect(store.put('v1/f/data', endless, { signal: abort.signal })).rejects.toMatchObject({
        code: 'cancelled',
      });
      expect(endless.destroyed).toBe(true);
      expect(await store.stat('v1/f/data')).toBeUndefined();
      expect(await keys('v1/f')).toEqual([]);
      expect(await under.leftovers()).toEqual([]);
      await store.put('v1/f/data', Buffer.from('again'));
    });

    it('leaves nothing when the body fails midway, and passes its error on', async () => {
      const broken = Readable.from(
        (async function* () {
          yield randomBytes(300_000);
          throw new TypeError('the pipe broke');
        })(),
      );
      await expect(store.put('v1/g', broken)).rejects.toThrow('the pipe broke');
      expect(await store.stat('v1/g')).toBeUndefined();
      expect(await under.leftovers()).toEqual([]);
    });

    it('passes on the error of a body that failed before it was read', async () => {
      const failing = new Readable({ read() {} });
      const put = store.put('v1/j', failing);
      failing.destroy(new TypeError('the pipe broke'));
      await expect(put).rejects.toThrow('the pipe broke');
      expect(await store.stat('v1/j')).toBeUndefined();
      expect(await under.leftovers()).toEqual([]);
    });

    it('deletes, also what is not there', async () => {
      await store.put('v1/h/1', Buffer.from('x'));
      await store.delete('v1/h/1');
      await store.delete('v1/h/1');
      expect(await store.stat('v1/h/1')).toBeUndefined();
      await store.put('v1/h/1', Buffer.from('y'));
    });

    it.each(['', '/etc/passwd', '../x', 'v1/../../x', 'v1//x', 'v1/./x', 'v1/x/', 'v1/.incoming', 'a\0b', 'a\\..\\b'])(
      'refuses the key %j',
      async (key) => {
        await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(store.get(key)).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(store.stat(key)).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(store.delete(key)).rejects.toMatchObject({ code: 'invalid_request' });
      },
    );

    it('ends a read when it is cancelled', async () => {
      await store.put('v1/i', Buffer.alloc(5_000_000));
      const abort = new AbortController();
      const stream = await store.get('v1/i', { signal: abort.signal });
      const ended = buffer(stream);
      abort.abort();
      await expect(ended).rejects.toThrow();
    });
  });
}

function* slices(data: Buffer): Generator<Buffer> {
  for (let at = 0; at < data.length; at += 100_000) yield data.subarray(at, at + 100_000);
}
