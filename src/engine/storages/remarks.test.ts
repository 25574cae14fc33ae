import { expect, it } from 'vitest';
import type { StoreFeatures } from '../storage/object-store.ts';
import { remarksOn } from './remarks.ts';

const usual: StoreFeatures = {
  putIfAbsent: { whole: 'kept', inParts: 'kept' },
  checksPayload: true,
  clockOffsetMs: 1000,
};

it('says nothing of a storage that does as most', () => {
  expect(remarksOn(usual)).toEqual([]);
});

it.each([
  [{ putIfAbsent: { whole: 'kept', inParts: 'ignored' } }, 'no two daemons should write to the same place'],
  [{ putIfAbsent: { whole: 'unknown', inParts: 'kept' } }, 'no two daemons should write to the same place'],
  [{ checksPayload: false }, 'only a verification finds them'],
  [{ clockOffsetMs: -600_000 }, "differs from this machine's by 10 minutes"],
] satisfies [Partial<StoreFeatures>, string][])('says what follows from %j', (feature, words) => {
  expect(remarksOn({ ...usual, ...feature })).toEqual([expect.stringContaining(words)]);
});
