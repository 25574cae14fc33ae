import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GtidState, positionOf } from '../binlog/gtid-state.ts';
import type { LoggedTransaction } from '../binlog/log-scan.ts';
import { formatGtids, type Gtid } from '../mariadb/gtid.ts';
import { leadingPlans } from './choose-base.ts';
import { findGoal, type ScanLog } from './goal.ts';
import type { KnownLog } from './history.ts';
import type { RecoveryPlan } from './plan-recovery.ts';
import { holds, readPosition } from './position.ts';
import type { Wish } from './wish.ts';

/** What happens to a server: a transaction with the time its session claims, or a rotation at a real time. */
interface Happening {
  after: number;
  rotate: boolean;
  domain: number;
  /** Seconds added to the real time by `SET timestamp`. */
  forged: number;
}

interface Written {
  logs: (KnownLog & { transactions: LoggedTransaction[] })[];
  all: { gtid: Gtid; state: string; commit: number; real: number; log: number }[];
}

/** Writes logs as a server does and notes the truth beside: the commit time of rule 20, computed over all of them at once. */
function write(happenings: readonly Happening[]): Written {
  const logs: Written['logs'] = [];
  const all: Written['all'] = [];
  const state = new GtidState();
  const sequences = new Map<number, bigint>();
  let now = 1000;
  let own: LoggedTransaction[] = [];
  let [opened, before] = [now, ''];
  const close = (): void => {
    const index = logs.length;
    const begun = all.length - own.length;
    let highest = Math.max(opened, ...all.slice(0, begun).map(({ commit }) => commit));
    for (const [at, { time }] of own.entries()) {
      highest = Math.max(highest, Math.min(time, now));
      const entry = all[begun + at];
      if (entry !== undefined) entry.commit = highest;
    }
    logs.push({
      backupId: 'b',
      name: `binlog.${index + 1}`,
      incarnation: 'i',
      gtidsBefore: before,
      gtidsAfter: state.toString(),
      openedAt: opened * 1000,
      closedAt: now * 1000,
      lastEventAt: all.length === 0 ? undefined : own.length === 0 ? undefined : highest * 1000,
      follows: index === 0 ? undefined : `b/binlog.${index}`,
      gap: undefined,
      transactions: own,
    });
    own = [];
    [opened, before] = [now, state.toString()];
  };
  for (const { after, rotate, domain, forged } of happenings) {
    now += after;
    if (rotate) {
      close();
      continue;
    }
    const sequence = (sequences.get(domain) ?? 0n) + 1n;
    sequences.set(domain, sequence);
    const gtid = { domain, server: 1, sequence };
    state.add(gtid);
    own.push({ gtid, time: Math.max(0, now + forged), begin: 0, end: 0 });
    all.push({ gtid, state: state.toString(), commit: 0, real: now, log: logs.length });
  }
  close();
  return { logs, all };
}

const happening: fc.Arbitrary<Happening> = fc.record({
  after: fc.integer({ min: 0, max: 4 }),
  rotate: fc.nat(4).map((n) => n === 0),
  domain: fc.constantFrom(0, 0, 0, 1, 7),
  forged: fc.constantFrom(0, 0, 0, 0, -3, -5000, 2, 5, 5000),
});
const histories = fc.array(happening, { maxLength: 40 }).map(write);

const scanOf = ({ logs }: Written): { scan: ScanLog; read: string[] } => {
  const read: string[] = [];
  return {
    read,
    scan: async (log, each) => {
      read.push(log.name);
      for (const transaction of logs.find(({ name }) => name === log.name)?.transactions ?? []) {
        if (!each(transaction)) return;
      }
    },
  };
};

/** Of a backup taken after so many transactions. */
function baseOf({ logs, all }: Written, count: number): { gtid: string; logs: KnownLog[] } {
  const last = all[count - 1];
  const first = last === undefined ? 0 : last.log;
  return { gtid: positionOf(last?.state ?? ''), logs: logs.slice(first) };
}

/** The plans for backups taken after so many transactions, as the index makes them: by the clock, the newest first. */
function plansFor(written: Written, counts: readonly number[]): RecoveryPlan[] {
  return counts
    .toSorted((a, b) => b - a)
    .map((count) => {
      const { gtid, logs } = baseOf(written, count);
      const at = (written.all[count - 1]?.real ?? 1000) * 1000;
      const base = { id: `after ${count}`, incarnation: 'i', file: logs[0]?.name ?? '', gtid, at, endedAt: at };
      return { reach: { base, logs, until: at, open: false }, archiveFirst: false };
    });
}

async function expectPrefix(written: Written, count: number, wish: Wish, kept: number): Promise<void> {
  const base = baseOf(written, count);
  const { scan } = scanOf(written);
  const goal = await findGoal(base.gtid, base.logs, wish, scan);
  if (kept < count) {
    expect(goal).toBeUndefined();
    return;
  }
  expect(goal?.until).toBe(positionOf(written.all[kept - 1]?.state ?? ''));
  // Whatever of these logs is within the goal is exactly what the model keeps, and the logs hold it all.
  const until = readPosition(goal?.until ?? '');
  const replayed = written.all.filter(({ gtid }) => !holds(readPosition(base.gtid), gtid) && holds(until, gtid));
  expect(replayed).toEqual(written.all.slice(count, kept));
  const names = new Set(goal?.logs.map(({ name }) => name));
  for (const { log } of replayed) expect(names).toContain(written.logs[log]?.name);
  if (replayed.length === 0) expect(goal?.logs).toEqual([]);
}

describe('where a wish ends', () => {
  it('by time: before the first transaction whose commit, as a running maximum, exceeds it', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), fc.integer({ min: 995, max: 1160 }), async (written, taken, second) => {
        const count = taken % (written.all.length + 1);
        const first = written.all.findIndex(({ commit }) => commit > second);
        const kept = first < 0 ? written.all.length : first;
        await expectPrefix(written, count, { kind: 'time', at: second * 1000 + (second % 2) * 400 }, kept);
      }),
      { numRuns: 500 },
    );
  });

  it('by transaction: after it, or before it, in the order of the log', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), fc.nat(), async (written, taken, which) => {
        fc.pre(written.all.length > 0);
        const at = which % written.all.length;
        const wanted = written.all[at];
        if (wanted === undefined) return;
        const count = taken % (at + 2);
        await expectPrefix(written, Math.min(count, at), { kind: 'gtid', gtids: [wanted.gtid] }, at + 1);
        await expectPrefix(written, Math.min(count, at), { kind: 'before', gtid: wanted.gtid }, at);
        // The whole position names the same moment, also where it repeats the backup's.
        const gtids = [...readPosition(positionOf(wanted.state)).values()];
        await expectPrefix(written, count, { kind: 'gtid', gtids }, at + 1);
      }),
      { numRuns: 500 },
    );
  });

  it('reads only the log in which it ends', async () => {
    const second = { after: 1, rotate: false, domain: 0, forged: 0 };
    const written = write([second, { ...second, rotate: true }, second, { ...second, rotate: true }, second]);
    const { scan, read } = scanOf(written);
    expect(await findGoal('', written.logs, { kind: 'time', at: 1003_000 }, scan)).toMatchObject({ until: '0-1-2' });
    expect(read).toEqual(['binlog.3']);
  });

  it('refuses what the logs do not hold, and what is no moment of them', async () => {
    const one = { after: 1, rotate: false, domain: 0, forged: 0 };
    const written = write([one, { ...one, domain: 1 }, one]);
    const find = (...gtids: Gtid[]) => findGoal('', written.logs, { kind: 'gtid', gtids }, scanOf(written).scan);
    const gtid = (domain: number, sequence: bigint, server = 1) => ({ domain, server, sequence });
    for (const missing of [gtid(0, 3n), gtid(0, 1n, 2), gtid(5, 1n)]) {
      await expect(find(missing), formatGtids([missing])).rejects.toMatchObject({ code: 'not_found' });
      const before = findGoal('', written.logs, { kind: 'before', gtid: missing }, scanOf(written).scan);
      await expect(before).rejects.toMatchObject({ code: 'not_found' });
    }
    expect(await find(gtid(0, 1n), gtid(1, 1n))).toMatchObject({ until: '0-1-1,1-1-1' });
    const beyond = write([one, one, { ...one, domain: 1 }]);
    await expect(
      findGoal('', beyond.logs, { kind: 'gtid', gtids: [gtid(0, 1n), gtid(1, 1n)] }, scanOf(beyond).scan),
    ).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('0-1-2 comes before') });
  });
});

describe('from which backup a moment is reached', () => {
  it('from the newest that holds nothing that was committed later, however times were forged', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories,
        fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 995, max: 1160 }),
        async (written, taken, second) => {
          const wish: Wish = { kind: 'time', at: second * 1000 };
          const first = written.all.findIndex(({ commit }) => commit > second);
          const kept = first < 0 ? written.all.length : first;
          const counts = taken.map((each) => each % (written.all.length + 1));
          const { scan } = scanOf(written);
          const [best] = await leadingPlans(plansFor(written, counts), wish, scan);
          const leading = counts.filter((count) => count <= kept);
          expect(best?.reach.base.id).toBe(leading.length === 0 ? undefined : `after ${Math.max(...leading)}`);
          if (best === undefined) return;
          const { gtid, logs } = { ...best.reach.base, ...best.reach };
          expect((await findGoal(gtid, logs, wish, scan))?.until).toBe(positionOf(written.all[kept - 1]?.state ?? ''));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reads no log where the index tells: the log ends before the moment', async () => {
    const second = { after: 1, rotate: false, domain: 0, forged: 0 };
    const written = write([second, second, { ...second, rotate: true }, second]);
    const { scan, read } = scanOf(written);
    const [best] = await leadingPlans(plansFor(written, [1, 2]), { kind: 'time', at: 1003_000 }, scan);
    expect([best?.reach.base.id, read]).toEqual(['after 2', []]);
  });
});
