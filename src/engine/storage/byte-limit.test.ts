import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteLimit } from './byte-limit.ts';

/** Transfers that each move a step, wait as they are told, and move the next; their steps in the order of time. */
function simulate(rate: number, transfers: { from: number; steps: number[]; idle: number }[]) {
  let now = 0;
  const limit = new ByteLimit(rate, () => now);
  const moved: { at: number; bytes: number; who: number }[] = [];
  const next = transfers.map(({ from, steps, idle }, who) => ({ who, at: from, left: [...steps], idle }));
  for (;;) {
    const [first] = next.filter(({ left }) => left.length > 0).sort((a, b) => a.at - b.at);
    if (first === undefined) return moved;
    now = Math.max(now, first.at);
    const bytes = first.left.shift() ?? 0;
    moved.push({ at: now, bytes, who: first.who });
    first.at = now + limit.count(bytes) + first.idle;
  }
}

const steps = fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 60 });
const transfer = fc.record({
  from: fc.integer({ min: 0, max: 5000 }),
  steps,
  idle: fc.integer({ min: 0, max: 300 }),
});

test('in no stretch of time does more move than the limit and a quarter of a second of it, but for the steps themselves', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100_000, max: 100_000_000 }),
      fc.array(transfer, { minLength: 1, maxLength: 5 }),
      (rate, transfers) => {
        const moved = simulate(rate, transfers);
        const slack = rate * 0.25 + transfers.length * 65_536 + 1;
        for (let from = 0; from < moved.length; from += 5) {
          let sum = 0;
          for (const { at, bytes } of moved.slice(from)) {
            sum += bytes;
            expect(sum).toBeLessThanOrEqual((rate * (at - (moved[from]?.at ?? 0))) / 1000 + slack);
          }
        }
      },
    ),
  );
});

test('who always has more to move gets all of the limit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100_000, max: 10_000_000 }), steps, (rate, sizes) => {
      const moved = simulate(rate, [{ from: 0, steps: sizes, idle: 0 }]);
      const before = sizes.slice(0, -1).reduce((sum, bytes) => sum + bytes, 0);
      expect(moved.at(-1)?.at ?? 0).toBeLessThanOrEqual((before / rate) * 1000 + 1);
    }),
  );
});

test('two transfers that both have more to move get alike', () => {
  const many = Array.from({ length: 200 }, () => 65_536);
  const moved = simulate(1_000_000, [
    { from: 0, steps: many, idle: 0 },
    { from: 0, steps: many, idle: 0 },
  ]);
  const half = moved.slice(0, 200);
  expect(Math.abs(half.filter(({ who }) => who === 0).length - 100)).toBeLessThanOrEqual(4);
});

test('without a limit nothing waits, and one that is changed counts from then on', () => {
  const limit = new ByteLimit(undefined, () => 0);
  expect(limit.count(1e12)).toBe(0);
  limit.bytesPerSecond = 1000;
  expect(limit.count(1000)).toBeCloseTo(750);
  limit.bytesPerSecond = 2000;
  expect(limit.count(1000)).toBeCloseTo(1250);
  limit.bytesPerSecond = undefined;
  expect(limit.count(1000)).toBe(0);
});
