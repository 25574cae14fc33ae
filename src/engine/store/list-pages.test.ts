import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openState } from './state-store.ts';

const service = fc.constantFrom('orders', 'shop');
const type = fc.constantFrom('full' as const, 'dump' as const);
/** Schedules come, change their type, and go. */
const history = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ service_id: service, type }).map((given) => ({ kind: 'add' as const, given })),
    },
    { weight: 1, arbitrary: fc.tuple(fc.nat(), type).map((given) => ({ kind: 'change' as const, given })) },
    { weight: 1, arbitrary: fc.nat().map((given) => ({ kind: 'remove' as const, given })) },
  ),
  { maxLength: 30 },
);
const filter = fc.record(
  {
    service_id: fc.oneof(service, fc.constant('nobody')),
    type,
    page: fc.integer({ min: 1, max: 8 }),
    page_size: fc.integer({ min: 1, max: 10 }),
    order: fc.constantFrom('asc' as const, 'desc' as const),
  },
  { requiredKeys: [] },
);

it('a page of schedules and its count are what a plain look through all rows gives', () => {
  const folder = mkdtempSync(join(tmpdir(), 'skb-lists-'));
  const state = openState(join(folder, 'state.db'));
  const undone = new Error('undone');
  try {
    fc.assert(
      fc.property(history, fc.array(filter, { minLength: 1, maxLength: 5 }), (events, filters) => {
        const round = (): void => {
          let rows: { id: number; service_id: string; type: 'full' | 'dump' }[] = [];
          for (const event of events) {
            if (event.kind === 'add') {
              const rest = { schedule: '0 2 * * *', message: '', warnings: [], next_run_at: undefined };
              const { id } = state.schedules.add({ ...event.given, ...rest });
              rows.push({ id, ...event.given });
              continue;
            }
            const at = event.kind === 'change' ? event.given[0] : event.given;
            const chosen = rows[at % Math.max(1, rows.length)];
            if (chosen === undefined) continue;
            if (event.kind === 'change') {
              [, chosen.type] = event.given;
              state.schedules.change(chosen.id, { type: chosen.type });
            } else {
              rows = rows.filter(({ id }) => id !== chosen.id);
              state.schedules.remove(chosen.id);
            }
          }
          for (const wanted of filters) {
            const matching = rows.filter(
              (each) =>
                (wanted.service_id === undefined || each.service_id === wanted.service_id) &&
                (wanted.type === undefined || each.type === wanted.type),
            );
            if (wanted.order !== 'asc') matching.reverse();
            const size = wanted.page_size ?? 100;
            const from = ((wanted.page ?? 1) - 1) * size;
            const found = state.schedules.list(wanted);
            expect({ ...found, items: found.items.map(({ id }) => id) }).toEqual({
              items: matching.slice(from, from + size).map(({ id }) => id),
              count: matching.length,
              pages: Math.ceil(matching.length / size),
            });
          }
        };
        // Each round begins with an empty table again.
        expect(() =>
          state.transaction(() => {
            round();
            throw undone;
          }),
        ).toThrow(undone);
      }),
      { numRuns: 100 },
    );
  } finally {
    state.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
