import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ArchivedServer, type ArchivePlan, planArchive, type RangeEnd } from './archive-plan.ts';

/** A server whose every transaction is known: which history it belongs to, and its number in it. */
class ModelServer implements ArchivedServer {
  serverId = 1;
  history = 0;
  base = 'binlog';
  /** Transactions so far in this history. */
  written = 0;
  moment = 0;
  logs = [this.#open(1)];

  #open(number: number) {
    this.moment += 1;
    return {
      number,
      base: this.base,
      openedAt: this.moment,
      before: this.written,
      after: this.written,
      history: this.history,
    };
  }
  get active() {
    const active = this.logs.at(-1);
    if (active === undefined) throw new Error('no log');
    return active;
  }
  write(count: number): void {
    this.written += count;
    this.active.after = this.written;
  }
  rotate(): void {
    this.logs.push(this.#open(this.active.number + 1));
  }
  purge(count: number): void {
    this.logs.splice(0, Math.min(count, this.logs.length - 1));
  }
  reset(): void {
    this.history += 1;
    this.written = 0;
    this.logs = [this.#open(1)];
  }
  named = (name: string) => {
    const log = this.logs.find((each) => nameOf(each) === name);
    if (log === undefined) throw new Error(`the server has no ${name}`);
    return log;
  };
  gtidsBefore = async (name: string) => gtids(this.named(name).before);
  openedAt = async (name: string) => new Date(this.named(name).openedAt * 1000);
}

type ModelLog = ModelServer['active'];
const nameOf = ({ base, number }: Pick<ModelLog, 'base' | 'number'>) => `${base}.${String(number).padStart(6, '0')}`;
const gtids = (sequence: number): string => (sequence === 0 ? '' : `0-1-${sequence}`);

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('write'), count: fc.constant(1) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('rotate'), count: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('archive'), count: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('purge'), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('reset'), count: fc.constant(0) }) },
);

it('archives every log once, and calls one range only what has no transaction missing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const server = new ModelServer();
      const ranges: ModelLog[][] = [];
      const archived = new Set<number>();
      for (const { act, count } of steps) {
        if (act === 'write') server.write(count);
        else if (act === 'rotate') for (let left = count; left > 0; left -= 1) server.rotate();
        else if (act === 'purge') server.purge(count);
        else if (act === 'reset') server.reset();
        else {
          const last = ranges.at(-1)?.at(-1);
          if (ranges.some((range) => isBlind(range.at(-1), server))) return;
          const logs = server.logs.map((log) => ({ name: nameOf(log), bytes: 0 }));
          const plan = await planArchive(ends(ranges), logs, server);
          const planned = plan.logs.map(({ name }) => server.named(name));
          // Closed ones only, none of them twice, and none of them forgotten.
          for (const log of planned) expect(archived.has(log.openedAt), nameOf(log)).toBe(false);
          for (const log of planned) archived.add(log.openedAt);
          expect(planned).not.toContain(server.active);
          for (const log of server.logs.slice(0, -1)) expect(archived.has(log.openedAt)).toBe(true);
          expectReason(plan, last, server);
          if (plan.follows === undefined && planned.length > 0) ranges.push([]);
          ranges.at(-1)?.push(...planned);
        }
      }
      for (const range of ranges) {
        for (const [index, log] of range.entries()) {
          const before = range[index - 1];
          if (before === undefined) continue;
          expect([log.history, log.before, log.number]).toEqual([before.history, before.after, before.number + 1]);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

function ends(ranges: ModelLog[][]): RangeEnd[] {
  return ranges.toReversed().flatMap((range) => {
    const log = range.at(-1);
    if (log === undefined) return [];
    const { openedAt } = log;
    const gtidsAfter = gtids(log.after);
    return [
      {
        backupId: 'b',
        name: nameOf(log),
        gtidsAfter,
        serverId: 1,
        openedAt: new Date(openedAt * 1000),
        lastEventAt: undefined,
      },
    ];
  });
}

/**
 * What cannot be told from outside: after a RESET MASTER exactly as many transactions were written up to the end of the log
 * of the same name, and that log was purged.
 */
function isBlind(last: ModelLog | undefined, server: ModelServer): boolean {
  const [oldest] = server.logs;
  if (last === undefined || oldest === undefined || last.history === server.history) return false;
  return oldest.number === last.number + 1 && oldest.before === last.after;
}

function expectReason({ gap, follows }: ArchivePlan, last: ModelLog | undefined, server: ModelServer): void {
  const [oldest] = server.logs;
  if (last === undefined) expect([gap, follows]).toEqual([undefined, undefined]);
  else if (last.history !== server.history) expect([gap === undefined, follows]).toEqual([false, undefined]);
  else if (oldest !== undefined && oldest.number > last.number + 1) expect(gap?.kind).toBe('purged');
  else expect([gap, follows?.name]).toEqual([undefined, nameOf(last)]);
}

const log = (number: number) => ({ name: `binlog.00000${number}`, bytes: 100 });
const end = (change: Partial<RangeEnd> = {}): RangeEnd => ({
  backupId: 'b',
  name: 'binlog.000002',
  gtidsAfter: '0-1-5',
  serverId: 1,
  openedAt: new Date(1000),
  lastEventAt: undefined,
  ...change,
});
const asked = (change: Partial<ArchivedServer> = {}): ArchivedServer => ({
  serverId: 1,
  gtidsBefore: async () => '0-1-5',
  openedAt: async () => new Date(1000),
  ...change,
});

it.each<[string, Partial<RangeEnd>, Partial<ArchivedServer>, number[]]>([
  ['purged', {}, {}, [5, 6]],
  ['reset', {}, { openedAt: async () => new Date(2000) }, [1, 2, 3]],
  ['reset', {}, { gtidsBefore: async () => '0-1-3' }, [2, 3]],
  ['reset', {}, { gtidsBefore: async () => '' }, [3, 4]],
  ['renamed', { name: 'other.000002' }, {}, [2, 3]],
  ['server', {}, { serverId: 2 }, [2, 3]],
])('tells %s', async (kind, endChange, serverChange, numbers) => {
  const plan = await planArchive([end(endChange)], numbers.map(log), asked(serverChange));
  expect(plan).toMatchObject({ gap: { kind }, follows: undefined, logs: numbers.slice(0, -1).map(log) });
});

it('goes on from whichever range the server still continues', async () => {
  const other = end({ name: 'binlog.000007', gtidsAfter: '0-9-1' });
  const plan = await planArchive([other, end()], [2, 3, 4].map(log), asked());
  expect(plan).toMatchObject({ gap: undefined, follows: end(), logs: [log(3)] });
});
