import fc from 'fast-check';
import { expect, it } from 'vitest';
import { durationMs, RetentionPolicy } from '../../contract/retention.ts';
import { parseGtids } from '../mariadb/gtid.ts';
import { type Base, History, type KnownLog, keyOf } from '../recovery/history.ts';
import { planRecovery } from '../recovery/plan-recovery.ts';
import { type Live, type Reach, reachOf } from '../recovery/windows.ts';
import type { Wish } from '../recovery/wish.ts';
import { decide } from './decide.ts';
import { Chains, type RetainedBackup } from './retained-backup.ts';

const second = 1000;
const hour = 3600 * second;

/** What a service has done, as its index tells it; and each transaction with the moment of its commit. */
interface Told {
  backups: RetainedBackup[];
  bases: Base[];
  logs: KnownLog[];
  commits: { gtid: string; at: number }[];
  live: string;
  now: number;
}

const happenings = [
  'write',
  'write',
  'archive',
  'archive',
  'full',
  'incremental',
  'dump',
  'purge',
  'restore',
  'reset',
] as const;
const steps = fc.array(
  fc.record({
    what: fc.constantFrom(...happenings),
    /** Until it happens, in seconds; several may happen within one. */
    after: fc.oneof(fc.constant(0), fc.nat(90_000)),
    ms: fc.nat(999),
    /** A failed try, or a dump that is unfit for rolling forward. */
    good: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  }),
  { minLength: 10, maxLength: 60 },
);

/** Lets it happen to a server that writes one log after the other. */
function history(drawn: { what: (typeof happenings)[number]; after: number; ms: number; good: boolean }[]): Told {
  const told: Told = { backups: [], bases: [], logs: [], commits: [], live: 'i0', now: 0 };
  let [at, incarnation, sequence] = [Date.parse('2026-11-01T00:00:00Z'), 0, 0];
  let [number, openedAt, before, lastEventAt] = [1, at, '', undefined as number | undefined];
  let closed: Omit<KnownLog, 'backupId' | 'follows'>[] = [];
  let last: string | undefined;
  let parent: string | undefined;
  const position = (): string => (sequence === 0 ? '' : `0-1-${sequence}`);
  const name = (): string => `binlog.${String(number).padStart(6, '0')}`;
  const beginLogs = (): void => {
    [number, openedAt, before, lastEventAt, closed, last] = [1, at, position(), undefined, [], undefined];
  };
  const close = (): void => {
    const log = {
      name: name(),
      incarnation: `i${incarnation}`,
      gtidsBefore: before,
      gtidsAfter: position(),
      gap: undefined,
    };
    closed.push({ ...log, openedAt, closedAt: at, lastEventAt });
    [number, openedAt, before] = [number + 1, at, position()];
  };
  for (const { what, after, ms, good } of drawn) {
    at = Math.max(at + 1, Math.floor(at / second + after) * second + ms);
    const id = `b${told.backups.length}`;
    const add = (type: string, more: Partial<RetainedBackup> = {}): void =>
      void told.backups.push({
        ...{ id, type, parent: undefined, incarnation: `i${incarnation}`, bytes: 10, order: told.backups.length },
        ...{ state: good || type === 'dump' ? 'good' : 'failed', to: Math.floor(at / second) * second },
        ...more,
      });
    if (what === 'write') {
      sequence += 1;
      lastEventAt = at;
      told.commits.push({ gtid: position(), at });
    } else if (what === 'purge') {
      close();
      [closed, last] = [[], undefined];
    } else if (what === 'reset') beginLogs();
    else if (what === 'restore') {
      incarnation += 1;
      [parent, told.live] = [undefined, `i${incarnation}`];
      beginLogs();
    } else if (what === 'archive') {
      close();
      add('binarylog');
      if (!good) continue;
      for (const log of closed) {
        told.logs.push({ ...log, backupId: id, follows: last });
        last = `${id}/${log.name}`;
      }
      closed = [];
    } else {
      const built = what === 'incremental' && parent !== undefined ? parent : undefined;
      const type = built === undefined && what === 'incremental' ? 'full' : what;
      add(type, { parent: built });
      if (type !== 'dump' && good) parent = id;
      if (!good) continue;
      const moment = { at: Math.floor(at / second) * second, endedAt: Math.floor(at / second) * second + second };
      told.bases.push({ id, incarnation: `i${incarnation}`, file: name(), gtid: position(), ...moment });
    }
  }
  told.now = at + hour;
  return told;
}

/** What the look-ups would know if only these backups were left. */
function reachesWith(told: Told, left: ReadonlySet<string>): { history: History; reaches: Reach[] } {
  const backups = told.backups.filter(({ id }) => left.has(id));
  const chains = new Chains(backups);
  const sound = new Set(backups.filter((backup) => chains.isSound(backup)).map(({ id }) => id));
  const logs = told.logs.filter(({ backupId }) => left.has(backupId));
  const followed = new Set(logs.map(({ follows }) => follows));
  const newest = logs.findLast((log) => log.incarnation === told.live && !followed.has(keyOf(log)));
  const live: Live = { incarnation: told.live, newest: newest && keyOf(newest) };
  const known = new History(logs);
  const reaches = told.bases.filter(({ id }) => sound.has(id)).map((base) => reachOf(base, known, live));
  return { history: known, reaches: reaches.filter((reach) => reach.logs.length > 0 || reach.open) };
}

function isOffered({ history: known, reaches }: ReturnType<typeof reachesWith>, wish: Wish, now: number): boolean {
  try {
    return planRecovery(reaches, wish, { history: known, now, subject: 'it' }).length > 0;
  } catch {
    return false;
  }
}

const count = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
const hours = fc.option(
  fc.integer({ min: 1, max: 500 }).map((many) => `${many}h`),
  { nil: undefined },
);
const policies = fc
  .record({
    keep_last: count,
    daily: count,
    max_age: hours,
    recovery_window: hours,
    max_size: fc.constantFrom(undefined, '1B', '100B'),
  })
  .map((policy) => RetentionPolicy.parse(policy));

it('whatever happened, a pass leaves every moment and transaction of the promised window within reach', () => {
  let [offered, gone] = [0, 0];
  fc.assert(
    fc.property(steps.map(history), policies, (told, policy) => {
      const text = policy.recovery_window ?? policy.max_age;
      if (text === undefined) return;
      const since = told.now - durationMs(text);
      const before = reachesWith(told, new Set(told.backups.map(({ id }) => id)));
      const { decisions } = decide({ ...told, policy, families: ['physical', 'binarylog'], reaches: before.reaches });
      const kept = new Set(decisions.filter(({ keep }) => keep).map(({ backup }) => backup.id));
      const after = reachesWith(told, kept);
      const edges = before.reaches.flatMap(({ base, until }) => [base.at, until]);
      const moments = [since, told.now, ...edges, ...told.commits.map(({ at }) => at)]
        .flatMap((at) => [at - 1, at, at + 1])
        .filter((at) => at >= since && at <= told.now);
      const wishes: Wish[] = moments.map((at) => ({ kind: 'time', at }));
      for (const { gtid, at } of told.commits) {
        if (at >= since) wishes.push({ kind: 'gtid', gtids: parseGtids(gtid) });
      }
      for (const wish of wishes) {
        if (!isOffered(before, wish, told.now)) continue;
        offered += 1;
        expect(
          isOffered(after, wish, told.now),
          JSON.stringify({ wish, kept: [...kept] }, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
        ).toBe(true);
      }
      gone += told.backups.filter(({ id, state }) => state === 'good' && !kept.has(id)).length;
    }),
    { numRuns: 500 },
  );
  // It would prove nothing if nothing could be reached, or nothing ever went.
  expect(Math.min(offered, gone)).toBeGreaterThan(500);
});
