import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetentionPolicy, sizeBytes } from '../../contract/retention.ts';
import { type Decision, decide, type RetentionInput } from './decide.ts';
import type { BackupFamily, RetainedBackup } from './retained-backup.ts';

const hour = 3_600_000;
const now = Date.parse('2026-11-22T12:00:00Z');
const keptOf = (decisions: readonly Decision[]): string[] =>
  decisions.filter(({ keep }) => keep).map((decision) => decision.backup.id);

/** A plausible history: parents are older, of the same incarnation; some are broken, failed, running or pinned. */
const histories: fc.Arbitrary<RetainedBackup[]> = fc
  .array(
    fc.record({
      type: fc.constantFrom('full', 'incremental', 'incremental', 'dump', 'binarylog', 'binarylog'),
      state: fc.oneof(
        { weight: 12, arbitrary: fc.constant('good' as const) },
        fc.constantFrom('failed' as const, 'running' as const),
      ),
      hours: fc.nat(30 * 24),
      bytes: fc.nat(1000),
      parent: fc.nat(40),
      incarnation: fc.constantFrom('i', 'i', 'i', 'j'),
      pinned: fc.option(fc.constant('a job reads it'), { nil: undefined, freq: 20 }),
    }),
    { maxLength: 40 },
  )
  .map((drawn) => {
    const ordered = drawn.toSorted((a, b) => b.hours - a.hours);
    return ordered.map(({ type, state, hours, bytes, parent, incarnation, pinned }, index): RetainedBackup => {
      const candidates = ordered
        .map((other, at) => ({ ...other, at }))
        .filter((other) => other.at < index && other.hours > hours && other.incarnation === incarnation)
        .filter((other) => other.type === 'full' || other.type === 'incremental');
      const below = candidates[parent % Math.max(1, candidates.length)];
      const to = now - hours * hour;
      return {
        id: `b${index}`,
        type,
        state,
        parent: type === 'incremental' ? (below === undefined ? 'gone' : `b${below.at}`) : undefined,
        incarnation,
        to,
        bytes: state === 'good' ? bytes : 0,
        ...(pinned === undefined ? {} : { pinned }),
      };
    });
  });

const count = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined });
const policies: fc.Arbitrary<RetentionPolicy> = fc
  .record({
    keep_last: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    max_age: fc.option(
      fc.integer({ min: 1, max: 800 }).map((hours) => `${hours}h`),
      { nil: undefined },
    ),
    max_size: fc.option(
      fc.integer({ min: 1, max: 20_000 }).map((bytes) => `${bytes}B`),
      { nil: undefined },
    ),
    recovery_window: fc.option(
      fc.integer({ min: 0, max: 800 }).map((hours) => `${hours}h`),
      { nil: undefined },
    ),
  })
  .map((policy) => RetentionPolicy.parse(policy));
const families = fc.subarray<BackupFamily>(['physical', 'dump', 'binarylog']);
const inputs: fc.Arbitrary<RetentionInput> = fc
  .record({ backups: histories, policy: policies, families })
  // What a recovery window needs has its own histories, with logs that follow one another.
  .map((input) => ({ ...input, now, reaches: [] }));

/** The model: good and restorable is a whole backup whose parents all are, told from the beginning on. */
function restorable(backups: readonly RetainedBackup[]): Set<string> {
  const sound = new Set<string>();
  for (const each of backups) {
    if (each.state !== 'good' || each.type === 'binarylog') continue;
    if (each.type !== 'incremental' || (each.parent !== undefined && sound.has(each.parent))) sound.add(each.id);
  }
  return sound;
}
const check = (property: (input: RetentionInput, kept: Set<string>) => void, arbitrary = inputs): void =>
  fc.assert(
    fc.property(arbitrary, (input) => property(input, new Set(keptOf(decide(input).decisions)))),
    { numRuns: 500 },
  );

describe('whatever the history and the policy', () => {
  it('the parent of whatever stays, stays', () => {
    check(({ backups }, kept) => {
      const ids = new Set(backups.map(({ id }) => id));
      for (const { id, parent, state } of backups) {
        if (kept.has(id) && state !== 'failed' && parent !== undefined && ids.has(parent))
          expect(kept).toContain(parent);
      }
    });
  });

  it('the newest restorable backup stays restorable, and of each kind that is taken the newest', () => {
    check(({ backups, families: taken }, kept) => {
      const before = restorable(backups);
      const after = restorable(backups.filter(({ id }) => kept.has(id)));
      const newest = (of: Set<string>, types: string[]): number =>
        Math.max(...backups.filter(({ id, type }) => of.has(id) && types.includes(type)).map(({ to }) => to));
      const kinds = [['full', 'incremental', 'dump']];
      if (taken.includes('physical')) kinds.push(['full', 'incremental']);
      if (taken.includes('dump')) kinds.push(['dump']);
      for (const types of kinds) expect(newest(after, types)).toBe(newest(before, types));
    });
  });

  it('nothing that runs or is in use goes', () => {
    check(({ backups }, kept) => {
      for (const { id, state, pinned } of backups)
        if (state === 'running' || pinned !== undefined) expect(kept).toContain(id);
    });
  });

  it('the size is met unless only protected backups are left', () => {
    check((input, kept) => {
      const { backups, policy } = input;
      if (policy.max_size === undefined) return;
      const size = (of: Set<string>): number =>
        backups.reduce((sum, { id, bytes }) => sum + (of.has(id) ? bytes : 0), 0);
      if (size(kept) <= sizeBytes(policy.max_size)) return;
      // Nothing more goes even when one byte is all that is granted.
      const least = new Set(keptOf(decide({ ...input, policy: { ...policy, max_size: '1B' } }).decisions));
      expect(size(kept)).toBe(size(least));
      expect(decide(input).warnings).toHaveLength(1);
    });
  });

  it('a pass over what a pass left finds nothing more to do, where no window moves on', () => {
    check(({ policy, ...input }) => {
      const fixed = { ...input, policy: { ...policy, recovery_window: '0h' } };
      const kept = keptOf(decide(fixed).decisions);
      const left = input.backups.filter(({ id }) => kept.includes(id));
      expect(keptOf(decide({ ...fixed, backups: left }).decisions)).toEqual(kept);
    });
  });

  it('what went does not come back later, where no window moves on', () => {
    fc.assert(
      fc.property(inputs, fc.nat(40 * 24), ({ policy, ...input }, hours) => {
        const fixed = { ...policy, recovery_window: '0h' };
        const at = (later: number) => new Set(keptOf(decide({ ...input, policy: fixed, now: now + later }).decisions));
        const [before, after] = [at(0), at(hours * hour)];
        for (const id of after) expect(before).toContain(id);
      }),
      { numRuns: 500 },
    );
  });

  it('the order in which backups are given changes nothing', () => {
    check((input, kept) => {
      const turned = decide({ ...input, backups: input.backups.toReversed() });
      expect(new Set(keptOf(turned.decisions))).toEqual(kept);
    });
  });
});
