import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdicts } from '../contract/verdict.ts';
import { assess, assessService } from './assess.ts';
import type { GoodBackup, ScheduleFacts, ServiceFacts } from './facts.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const now = Date.parse('2026-11-22T12:00:00Z');
const longAgo = now - 400 * day;

function backup(type: string, age: number, length = 5 * minute): GoodBackup {
  const started = now - age;
  return { id: `${type}-${age}`, type, at: started, started, ended: started + length, bytes: 1000 };
}

function schedule(type: string, cron: string, change: Partial<ScheduleFacts> = {}): ScheduleFacts {
  return { id: 7, type, cron, suspended: false, owedFrom: longAgo, trouble: undefined, ...change };
}

function orders(facts: Partial<ServiceFacts>): ServiceFacts {
  const none = { good: [], failed: [], running: [], schedules: [], proven: undefined };
  return { id: 'orders', name: undefined, ...none, ...facts };
}

const nightly = schedule('full', '0 2 * * *');
const judge = (facts: Partial<ServiceFacts>) => {
  const { verdict, reasons, schedules } = assessService(orders(facts), now);
  return { verdict, codes: reasons.map(({ code }) => code), reasons, schedules };
};

describe('a gap in the binary logs', () => {
  const gap = { at: now - 5 * hour, detail: '2 binary logs were purged.' };
  const logs = backup('binarylog', hour);

  it('warns until a backup was taken after it, then is a note', () => {
    const schedules = [nightly, schedule('binarylog', '0 * * * *')];
    const open = judge({ good: [backup('full', 10 * hour), logs], schedules, gap });
    expect(open).toMatchObject({ verdict: 'warning', codes: ['binlog_gap', 'unproven'] });
    expect(open.reasons[0]).toMatchObject({
      detail: gap.detail,
      next: expect.stringContaining('full backup of orders'),
    });
    const mended = judge({ good: [backup('full', 4 * hour), logs], schedules, gap });
    expect(mended).toMatchObject({ verdict: 'ok', codes: ['binlog_gap', 'unproven'] });
    expect(assessService(orders({ gap }), now).binlog_gap).toEqual({ at: '2026-11-22T07:00:00Z', detail: gap.detail });
  });
});

describe('the verdict', () => {
  it('is ok while the last night has its backup, and says that no restore proved it', () => {
    const { verdict, codes } = judge({ good: [backup('full', 10 * hour)], schedules: [nightly] });
    expect({ verdict, codes }).toEqual({ verdict: 'ok', codes: ['unproven'] });
  });

  it('warns when one run is missing, and is critical when two are', () => {
    const one = judge({ good: [backup('full', 34 * hour)], schedules: [nightly] });
    expect(one).toMatchObject({ verdict: 'warning', schedules: [{ overdue_seconds: 36_000 }] });
    expect(one.reasons[0]?.message).toBe(
      'The full backup of orders that was due at 2026-11-22 02:00 UTC (schedule 7) is missing, 10 hours overdue.',
    );
    expect(judge({ good: [backup('full', 58 * hour)], schedules: [nightly] }).verdict).toBe('critical');
  });

  it('allows a run the time that runs take, and one under way that time again, but not for ever', () => {
    const soon = schedule('full', '50 11 * * *');
    expect(judge({ good: [backup('full', 24 * hour + 5 * minute, minute)], schedules: [soon] }).verdict).toBe('ok');
    const late = schedule('full', '0 11 * * *');
    expect(judge({ good: [backup('full', 25 * hour, minute)], schedules: [late] }).verdict).toBe('warning');
    expect(judge({ good: [backup('full', 25 * hour, hour)], schedules: [late] }).verdict).toBe('ok');
    const good = [backup('full', 25 * hour, 10 * minute)];
    const running = (age: number) => [{ type: 'full', since: now - age }];
    expect(judge({ good, schedules: [late], running: running(20 * minute) }).verdict).toBe('ok');
    const hung = judge({ good, schedules: [late], running: running(59 * minute) });
    expect(hung).toMatchObject({ verdict: 'warning' });
    expect(hung.reasons[0]?.message).toContain('longer than it should');
  });

  it('does not call a service safe that has nothing to restore', () => {
    expect(judge({})).toMatchObject({ verdict: 'critical', codes: ['never_backed_up', 'no_schedule'] });
    expect(
      judge({ good: [backup('binarylog', minute)], schedules: [schedule('binarylog', '*/5 * * * *')] }),
    ).toMatchObject({
      verdict: 'critical',
      codes: ['never_backed_up', 'unproven'],
    });
    const fresh = schedule('full', '0 2 * * *', { owedFrom: now - hour });
    expect(judge({ schedules: [fresh] })).toMatchObject({ verdict: 'warning', codes: ['never_backed_up'] });
  });

  it('is not alarmed by a copy of a backup, until somebody protects it', () => {
    const copy = { copiedFrom: 'a backup' };
    expect(judge(copy)).toMatchObject({ verdict: 'ok', codes: ['copy'] });
    expect(judge({ ...copy, schedules: [nightly] })).toMatchObject({ verdict: 'critical' });
    expect(judge({ ...copy, good: [backup('full', hour)] }).codes).toEqual(['no_schedule', 'unproven']);
  });

  it('need not read the cron where no run can have fallen', () => {
    const quiet = (to: number) => ({ ...schedule('full', 'unreadable'), quiet: { from: now - 20 * hour, to } });
    const good = [backup('full', 10 * hour)];
    expect(judge({ good, schedules: [quiet(now + hour)] }).codes).toEqual(['unproven']);
    // A run is due since, and a backup from before the quiet proves nothing.
    expect(judge({ good, schedules: [quiet(now - hour)] }).codes).toContain('unreadable_schedule');
    const old = judge({ good: [backup('full', 30 * hour)], schedules: [quiet(now + hour)] });
    expect(old.codes).toContain('unreadable_schedule');
  });

  it('counts a full as the incremental that was due, and no incremental as a full', () => {
    const hourly = schedule('incremental', '0 * * * *');
    expect(judge({ good: [backup('full', hour - minute)], schedules: [hourly] }).verdict).toBe('ok');
    const weekly = schedule('full', '0 2 * * 0', { owedFrom: now - 8 * day });
    const facts = { good: [backup('full', 8 * day), backup('incremental', hour)], schedules: [weekly] };
    expect(judge(facts).codes).toContain('overdue');
  });

  it('owes nothing of before a schedule was made, changed or resumed', () => {
    const resumed = schedule('full', '0 2 * * *', { owedFrom: now - minute });
    expect(judge({ good: [backup('full', 5 * day)], schedules: [resumed] }).verdict).toBe('ok');
  });

  it('warns of one failed run, and is critical after three, with the words of the failure', () => {
    const failed = (count: number) => [{ type: 'full', count, at: now - hour, message: 'No space left.' }];
    const facts = { good: [backup('full', 3 * hour)], schedules: [nightly] };
    expect(judge({ ...facts, failed: failed(1) })).toMatchObject({
      verdict: 'warning',
      codes: ['failing', 'unproven'],
    });
    const often = judge({ ...facts, failed: failed(3) });
    expect(often).toMatchObject({ verdict: 'critical', reasons: [{ detail: 'No space left.' }, {}] });
    // Tried once by hand, wanted by no schedule.
    expect(judge({ ...facts, failed: [{ type: 'dump', count: 9, at: now, message: 'no' }] }).verdict).toBe('ok');
  });

  it('warns where nothing repeats, and is critical when the newest backup is a week old', () => {
    expect(judge({ good: [backup('full', hour)] })).toMatchObject({
      verdict: 'warning',
      codes: ['no_schedule', 'unproven'],
    });
    const suspended = [{ ...nightly, suspended: true }];
    const asleep = judge({ good: [backup('full', 2 * day)], schedules: suspended });
    expect(asleep).toMatchObject({
      verdict: 'warning',
      codes: ['suspended', 'unproven'],
      schedules: [{ overdue_seconds: 0 }],
    });
    expect(judge({ good: [backup('full', 8 * day)], schedules: suspended })).toMatchObject({ verdict: 'critical' });
    const other = judge({ good: [backup('full', hour)], schedules: [nightly, { ...nightly, id: 8, suspended: true }] });
    expect(other).toMatchObject({ verdict: 'ok', codes: ['suspended', 'unproven'] });
  });

  it('says so when a schedule cannot be read, and goes on', () => {
    const odd = schedule('full', 'whenever');
    expect(judge({ good: [backup('full', hour)], schedules: [odd] })).toMatchObject({
      codes: ['unreadable_schedule', 'unproven'],
    });
  });

  it('of all services is the worst of theirs', () => {
    const well = orders({ id: 'well', good: [backup('full', hour)], schedules: [nightly] });
    expect(assess([well], now).verdict).toBe('ok');
    expect(assess([well, orders({})], now).verdict).toBe('critical');
    expect(assess([], now)).toEqual({ at: '2026-11-22T12:00:00Z', verdict: 'ok', services: [] });
  });
});

describe('whatever the facts are', () => {
  const type = fc.constantFrom('full', 'incremental', 'binarylog', 'dump', 'snapshot', 'unknown');
  const cron = fc.constantFrom('*/5 * * * *', '0 * * * *', '0 2 * * *', '30 3 * * 0', '0 0 1 * *', 'never');
  const age = fc.integer({ min: 0, max: 40 * day });
  const goods = fc.uniqueArray(fc.record({ type, age, length: fc.integer({ min: 0, max: 5 * hour }) }), {
    selector: (each) => each.type,
  });
  const facts = fc.record({
    schedules: fc.array(
      fc.record({ type, cron, suspended: fc.boolean(), owed: age }).map(({ owed, ...rest }) => ({
        ...schedule(rest.type, rest.cron),
        ...rest,
        owedFrom: now - owed,
      })),
      { maxLength: 4 },
    ),
    failed: fc.array(
      fc.record({ type, count: fc.integer({ min: 1, max: 5 }), at: age.map((ms) => now - ms), message: fc.string() }),
      { maxLength: 2 },
    ),
    running: fc.array(fc.record({ type, since: age.map((ms) => now - ms) }), { maxLength: 2 }),
  });
  const verdictOf = (given: Partial<ServiceFacts>): number =>
    verdicts.indexOf(assessService(orders(given), now).verdict);

  it('older backups never improve the verdict', () => {
    fc.assert(
      fc.property(facts, goods, fc.integer({ min: 0, max: 40 * day }), (rest, made, older) => {
        const fresh = made.map((each) => backup(each.type, each.age, each.length));
        const aged = made.map((each) => backup(each.type, each.age + older, each.length));
        expect(verdictOf({ ...rest, good: aged })).toBeGreaterThanOrEqual(verdictOf({ ...rest, good: fresh }));
      }),
    );
  });

  it('having no backup at all is never better than having some', () => {
    fc.assert(
      fc.property(facts, goods, (rest, made) => {
        const good = made.map((each) => backup(each.type, each.age, each.length));
        expect(verdictOf({ ...rest, good: [] })).toBeGreaterThanOrEqual(verdictOf({ ...rest, good }));
      }),
    );
  });

  it('every verdict but ok has its reason, and every reason a next step; the worst comes first', () => {
    fc.assert(
      fc.property(facts, goods, (rest, made) => {
        const good = made.map((each) => backup(each.type, each.age, each.length));
        const { verdict, reasons } = assessService(orders({ ...rest, good }), now);
        const [first] = reasons;
        expect(verdict).toBe(first === undefined || first.level === 'note' ? 'ok' : first.level);
        for (const { message, next } of reasons) expect(Math.min(message.length, next.length)).toBeGreaterThan(10);
      }),
    );
  });
});
