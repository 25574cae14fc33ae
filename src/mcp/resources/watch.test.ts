import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SkybackupError } from '../../contract/errors.ts';
import { ResourceWatch } from './watch.ts';

const everyMs = 1000;
const [a, b] = ['skybackup://backups', 'skybackup://schedules'];

/** What each resource says, and every look at one. */
let says: Record<string, string>;
let looks: string[];
let told: string[];
let failure: Error | undefined;
let watch: ResourceWatch;
const tell = (uri: string): void => void told.push(uri);

beforeEach(() => {
  vi.useFakeTimers();
  [says, looks, told, failure] = [{ [a]: 'one', [b]: 'one' }, [], [], undefined];
  watch = new ResourceWatch({
    everyMs,
    async look(uri) {
      looks.push(uri);
      if (failure !== undefined) throw failure;
      return says[uri] ?? '';
    },
  });
});
afterEach(() => {
  watch.close();
  vi.useRealTimers();
});

const unreachable = (): Error => new SkybackupError('unreachable', 'Nothing answers.');
const minutes = (count: number) => vi.advanceTimersByTimeAsync(count * 60_000);

describe('a watch', () => {
  it('asks nothing while nobody is to be told, not even after a change of its own', async () => {
    watch.changed();
    await minutes(10);
    expect(looks).toEqual([]);
    (await watch.add([a], tell))();
    looks.length = 0;
    watch.changed();
    await minutes(10);
    expect(looks).toEqual([]);
  });

  it('of many resources asks no more often than of ten, so that a key keeps requests for its tools', async () => {
    const uris = Array.from({ length: 50 }, (_, i) => `skybackup://backups/${i}`);
    await watch.add(uris, tell);
    looks.length = 0;
    await minutes(1);
    expect(looks.length).toBeGreaterThanOrEqual(50 * 11);
    expect(looks.length).toBeLessThanOrEqual(50 * 12);
  });

  it('tells of a change within its pause, once, and only of what changed', async () => {
    await watch.add([a, b], tell);
    await vi.advanceTimersByTimeAsync(3 * everyMs);
    expect(told).toEqual([]);
    says[a] = 'two';
    await vi.advanceTimersByTimeAsync(everyMs);
    expect(told).toEqual([a]);
    await vi.advanceTimersByTimeAsync(5 * everyMs);
    expect(told).toEqual([a]);
  });

  it('knows what a resource said before the subscription was acknowledged, so that the very next change is one', async () => {
    await watch.add([a], tell);
    expect(looks).toEqual([a]);
    says[a] = 'two';
    watch.changed();
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual([a]);
  });

  it('tells each who wants to know, and one that wants it twice only once', async () => {
    const others: string[] = [];
    await watch.add([a], tell);
    const again = await watch.add([a, a], tell);
    await watch.add([a], (uri) => void others.push(uri));
    says[a] = 'two';
    await vi.advanceTimersByTimeAsync(everyMs);
    expect([told, others]).toEqual([[a], [a]]);
    again();
    again();
    says[a] = 'three';
    await vi.advanceTimersByTimeAsync(everyMs);
    expect([told, others]).toEqual([
      [a, a],
      [a, a],
    ]);
  });

  it('ends with the last one, and with close', async () => {
    const [one, two] = [await watch.add([a], tell), await watch.add([b], tell)];
    one();
    looks.length = 0;
    await vi.advanceTimersByTimeAsync(everyMs);
    expect(new Set(looks)).toEqual(new Set([b]));
    two();
    expect(vi.getTimerCount()).toBe(0);
    await watch.add([a], tell);
    watch.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks less and less often while nothing answers, as late as it is told to, and as before once it does', async () => {
    await watch.add([a], tell);
    looks.length = 0;
    failure = unreachable();
    await minutes(1);
    // After 1 s, then 2, 4, 8, 16, 16 …
    expect(looks.length).toBeLessThanOrEqual(7);
    expect(told).toEqual([]);
    failure = undefined;
    says[a] = 'two';
    await vi.advanceTimersByTimeAsync(16 * everyMs);
    expect(told).toEqual([a]);
    failure = new SkybackupError('rate_limited', 'Too many.', { retryAfterSeconds: 300 });
    await vi.advanceTimersByTimeAsync(2 * everyMs);
    looks.length = 0;
    await minutes(4);
    expect(looks).toEqual([]);
  });

  it('a failure is no change; a first look that failed is made up for, rather once too often', async () => {
    failure = unreachable();
    await watch.add([a], tell);
    failure = undefined;
    await vi.advanceTimersByTimeAsync(2 * everyMs);
    expect(told).toEqual([a]);
  });

  it('what is not there yet is told when it comes', async () => {
    failure = new SkybackupError('not_found', 'There is no service x.');
    await watch.add([a], tell);
    await vi.advanceTimersByTimeAsync(3 * everyMs);
    expect(told).toEqual([]);
    failure = undefined;
    await vi.advanceTimersByTimeAsync(everyMs);
    expect(told).toEqual([a]);
  });

  it('watches no more than it can', async () => {
    const many = Array.from({ length: 51 }, (_, at) => `skybackup://backups/s${at}`);
    await expect(watch.add(many, tell)).rejects.toMatchObject({ code: 'too_large' });
    expect(looks).toEqual([]);
    await watch.add(many.slice(1), tell);
    await expect(watch.add([a], tell)).rejects.toMatchObject({ code: 'too_large' });
    await watch.add([many[7] ?? ''], tell);
  });
});

it('looks never overlap, and take a small part of the time of a slow server', async () => {
  let now = 0;
  let most = 0;
  const slow = new ResourceWatch({
    everyMs,
    async look(uri) {
      looks.push(uri);
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      now -= 1;
      return 'one';
    },
  });
  const added = slow.add([a, b], tell);
  slow.changed();
  slow.changed();
  await vi.advanceTimersByTimeAsync(8000);
  await added;
  expect(looks).toHaveLength(4);
  looks.length = 0;
  await minutes(1);
  expect(looks.length).toBeLessThanOrEqual(4);
  expect(most).toBe(1);
  slow.close();
});
