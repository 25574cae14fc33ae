import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SkybackupError } from '../../src/contract/errors.ts';
import type { PlanApproval } from '../../src/contract/plans.ts';
import type { PlanStore } from '../../src/plans/plan-store.ts';
import { openPlanStore, planLifetimeMs } from '../../src/plans/sqlite-plan-store.ts';
import { draft, subject } from './draft.ts';

const terminal: PlanApproval = { channel: 'terminal', typed_id: 'orders' };
let clock: number;
let db: DatabaseSync;
let store: PlanStore;
beforeEach(() => {
  clock = Date.parse('2026-11-22T12:00:00Z');
  db = new DatabaseSync(':memory:');
  store = openPlanStore(db, { now: () => clock });
});
afterEach(() => db.close());

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'ok';
  } catch (error) {
    return error instanceof SkybackupError ? error.code : String(error);
  }
}

it('goes from pending over approved to claimed, once', () => {
  const plan = store.create(draft());
  expect(plan.status).toBe('pending');
  expect(plan.code).toMatch(/^[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}$/);
  expect(Buffer.from(plan.id.replace('pln_', ''), 'base64url').length).toBeGreaterThanOrEqual(16);
  expect(codeOf(() => store.claim(plan.id, subject))).toBe('plan_not_approved');
  expect(store.approve(plan.id, terminal)).toMatchObject({ status: 'approved', approved_by: 'terminal' });
  expect(store.claim(plan.id, subject).status).toBe('claimed');
  expect(codeOf(() => store.claim(plan.id, subject))).toBe('plan_used');
  expect(codeOf(() => store.approve(plan.id, terminal))).toBe('plan_used');
});

it('is found by id and by code as a person types it, and by what it is for', () => {
  const plan = store.create(draft());
  expect(store.get(plan.id)?.id).toBe(plan.id);
  expect(store.get(` ${plan.code.toLowerCase().replace('-', ' ')}`)?.id).toBe(plan.id);
  expect(store.get('nothing')).toBeUndefined();
  const { id, service_id } = subject.arguments;
  expect(store.findOpen({ ...subject, arguments: { id, service_id } })?.id).toBe(plan.id);
  expect(store.findOpen({ ...subject, binding: 'another' })).toBeUndefined();
  store.decline(plan.id, 'declined');
  expect(store.findOpen(subject)).toBeUndefined();
});

describe('a plan is bound to what it was made for', () => {
  it.each([
    ['other arguments', { arguments: { ...subject.arguments, service_id: 'billing' } }],
    ['one argument more', { arguments: { ...subject.arguments, point_in_time: '2026-11-22 00:00:00' } }],
    ['another operation', { operation: 'stop_service' as const }],
    ['another asker', { binding: 'someone else' }],
  ])('%s cannot claim it, and it stays approved', (_, change) => {
    const plan = store.create(draft());
    store.approve(plan.id, terminal);
    expect(codeOf(() => store.claim(plan.id, { ...subject, ...change }))).toBe('plan_mismatch');
    expect(store.get(plan.id)?.status).toBe('approved');
    expect(store.claim(plan.id, subject).status).toBe('claimed');
  });
});

describe('an elicitation answer', () => {
  it('counts once, with the nonce of the last asking and the typed id', () => {
    const { id } = store.create(draft());
    const first = store.ask(id);
    const second = store.ask(id);
    const answer = (nonce?: string, typed_id?: string): PlanApproval => ({
      channel: 'elicitation',
      ...(nonce === undefined ? {} : { nonce }),
      ...(typed_id === undefined ? {} : { typed_id }),
    });
    expect(codeOf(() => store.approve(id, answer(undefined, 'orders')))).toBe('plan_mismatch');
    expect(codeOf(() => store.approve(id, answer('', 'orders')))).toBe('plan_mismatch');
    expect(codeOf(() => store.approve(id, answer(first, 'orders')))).toBe('plan_mismatch');
    expect(codeOf(() => store.approve(id, answer(second, 'orderz')))).toBe('plan_mismatch');
    // The mistyped answer has used its asking up.
    expect(codeOf(() => store.approve(id, answer(second, 'orders')))).toBe('plan_mismatch');
    const third = store.ask(id);
    expect(codeOf(() => store.approve(id, answer(third)))).toBe('plan_mismatch');
    expect(store.approve(id, answer(store.ask(id), 'orders')).approved_by).toBe('elicitation');
    expect(codeOf(() => store.ask(id))).toBe('plan_used');
  });

  it('minted for one plan is void for another', () => {
    const a = store.create(draft());
    const b = store.create(draft({ arguments: { service_id: 'billing' } }));
    store.ask(b.id);
    const nonce = store.ask(a.id);
    const approval: PlanApproval = { channel: 'elicitation', nonce, typed_id: 'orders' };
    expect(codeOf(() => store.approve(b.id, approval))).toBe('plan_mismatch');
    expect(store.get(b.id)?.status).toBe('pending');
  });

  it('that comes after the call was cancelled is void', () => {
    const { id } = store.create(draft());
    const nonce = store.ask(id);
    expect(store.decline(id, 'cancelled').status).toBe('void');
    expect(codeOf(() => store.approve(id, { channel: 'elicitation', nonce, typed_id: 'orders' }))).toBe('plan_used');
    expect(codeOf(() => store.approve(id, terminal))).toBe('plan_used');
    expect(codeOf(() => store.claim(id, subject))).toBe('plan_used');
  });

  it('leaves no nonce in the file, only its hash', () => {
    const { id } = store.create(draft());
    const nonce = store.ask(id);
    const rows = JSON.stringify(db.prepare('SELECT * FROM plans').all());
    expect(rows).not.toContain(nonce);
    expect(JSON.stringify(store.get(id))).not.toContain('nonce');
  });
});

it('needs the typed id at a terminal and with an approver key, and takes host without one', () => {
  for (const channel of ['terminal', 'approver_key'] as const) {
    const { id } = store.create(draft());
    expect(codeOf(() => store.approve(id, { channel }))).toBe('plan_mismatch');
    expect(() => store.approve(id, { channel, typed_id: 'ORDERS' })).toThrow(
      expect.objectContaining({ code: 'plan_mismatch', retryable: true }),
    );
    expect(store.approve(id, { channel, typed_id: 'orders' }).approved_by).toBe(channel);
  }
  const { id } = store.create(draft());
  expect(codeOf(() => store.approve(id, { channel: 'host', typed_id: 'wrong' }))).toBe('plan_mismatch');
  expect(store.approve(id, { channel: 'host' }).approved_by).toBe('host');
});

it('needs the typed id and the nonce of its own asking from a page', () => {
  const { id } = store.create(draft());
  const other = store.ask(store.create(draft()).id);
  expect(codeOf(() => store.approve(id, { channel: 'app', typed_id: 'orders' }))).toBe('plan_mismatch');
  expect(codeOf(() => store.approve(id, { channel: 'app', typed_id: 'orders', nonce: other }))).toBe('plan_mismatch');
  expect(codeOf(() => store.approve(id, { channel: 'app', nonce: store.ask(id) }))).toBe('plan_mismatch');
  const nonce = store.ask(id);
  expect(store.approve(id, { channel: 'app', typed_id: 'orders', nonce }).approved_by).toBe('app');
});

it('lives ten minutes, approved or not, and can still be read as expired', () => {
  const pending = store.create(draft());
  const approved = store.create(draft());
  const nonce = store.ask(pending.id);
  store.approve(approved.id, terminal);
  clock += planLifetimeMs - 1;
  expect(store.get(approved.id)?.status).toBe('approved');
  clock += 1;
  expect(store.get(pending.id)?.status).toBe('expired');
  expect(store.list().map((plan) => plan.status)).toEqual(['expired', 'expired']);
  expect(store.findOpen(subject)).toBeUndefined();
  expect(codeOf(() => store.approve(pending.id, { channel: 'elicitation', nonce, typed_id: 'orders' }))).toBe(
    'plan_expired',
  );
  expect(codeOf(() => store.ask(pending.id))).toBe('plan_expired');
  expect(codeOf(() => store.claim(approved.id, subject))).toBe('plan_expired');
});

it('refuses a no to what was carried out already', () => {
  const { id } = store.create(draft());
  store.approve(id, terminal);
  expect(store.decline(id, 'declined').status).toBe('declined');
  expect(store.decline(id, 'cancelled').status).toBe('declined');
  const next = store.create(draft());
  store.approve(next.id, terminal);
  store.claim(next.id, subject);
  expect(codeOf(() => store.decline(next.id, 'cancelled'))).toBe('plan_used');
  expect(codeOf(() => store.decline('pln_unknown', 'declined'))).toBe('not_found');
});

it('keeps its file for its owner alone, the journal beside it included', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skb-plans-'));
  try {
    const file = join(folder, 'sub', 'plans.db');
    const onDisk = openPlanStore(file);
    onDisk.create(draft());
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600);
    onDisk.close();
    const again = openPlanStore(file);
    expect(again.list()).toHaveLength(1);
    again.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('follows a simple model through any order of steps', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('ask' as const) }),
      fc.record({
        do: fc.constant('answer' as const),
        nonce: fc.constantFrom('last', 'old', 'none'),
        typed: fc.constantFrom('orders', 'wrong'),
      }),
      fc.record({ do: fc.constant('terminal' as const), typed: fc.constantFrom('orders', 'wrong') }),
      fc.record({ do: fc.constant('claim' as const), args: fc.constantFrom('same', 'other') }),
      fc.record({
        do: fc.constant('decline' as const),
        reason: fc.constantFrom('declined' as const, 'cancelled' as const),
      }),
      fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 6 }) }),
    ),
    { maxLength: 14 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const { id } = store.create(draft());
      const started = clock;
      const model = { status: 'pending', nonce: undefined as string | undefined };
      let old: string | undefined;
      let claims = 0;
      for (const step of list) {
        const open = ['pending', 'approved'].includes(model.status);
        const alive = open && clock - started < planLifetimeMs;
        const dead = !open ? 'plan_used' : 'plan_expired';
        if (step.do === 'wait') clock += step.minutes * 60_000;
        if (step.do === 'ask') {
          const may = alive && model.status === 'pending';
          if (may) {
            old = model.nonce ?? old;
            model.nonce = store.ask(id);
          } else expect(codeOf(() => store.ask(id))).toBe(alive ? 'plan_used' : dead);
        }
        if (step.do === 'answer') {
          const nonce = step.nonce === 'last' ? model.nonce : step.nonce === 'old' ? old : undefined;
          const right = nonce !== undefined && nonce === model.nonce;
          const result = codeOf(() =>
            store.approve(id, {
              channel: 'elicitation',
              typed_id: step.typed,
              ...(nonce === undefined ? {} : { nonce }),
            }),
          );
          if (alive && right && step.typed === 'orders') {
            expect(result).toBe('ok');
            model.status = 'approved';
          } else expect(result).toBe(alive ? 'plan_mismatch' : dead);
          if (right) model.nonce = undefined;
        }
        if (step.do === 'terminal') {
          const result = codeOf(() => store.approve(id, { channel: 'terminal', typed_id: step.typed }));
          expect(result).toBe(!alive ? dead : step.typed === 'orders' ? 'ok' : 'plan_mismatch');
          if (result === 'ok') model.status = 'approved';
        }
        if (step.do === 'claim') {
          const args = step.args === 'same' ? subject.arguments : { service_id: 'other' };
          const result = codeOf(() => store.claim(id, { ...subject, arguments: args }));
          if (step.args === 'other') expect(result).toBe('plan_mismatch');
          else if (!alive) expect(result).toBe(dead);
          else expect(result).toBe(model.status === 'approved' ? 'ok' : 'plan_not_approved');
          if (result === 'ok') {
            model.status = 'claimed';
            model.nonce = undefined;
            claims += 1;
          }
        }
        if (step.do === 'decline') {
          const result = codeOf(() => store.decline(id, step.reason));
          expect(result).toBe(model.status === 'claimed' ? 'plan_used' : 'ok');
          if (open) {
            model.status = step.reason === 'declined' ? 'declined' : 'void';
            model.nonce = undefined;
          }
        }
        const stillOpen = ['pending', 'approved'].includes(model.status);
        const shown = stillOpen && clock - started >= planLifetimeMs ? 'expired' : model.status;
        expect(store.get(id)?.status).toBe(shown);
      }
      expect(claims).toBeLessThanOrEqual(1);
    }),
    { numRuns: 300 },
  );
});
