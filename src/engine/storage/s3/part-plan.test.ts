import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextPartBytes, type PartPlan, partPlan } from './part-plan.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const TiB = 1024 ** 4;

/** The parts that an object of so many bytes is cut into. */
function cut(plan: PartPlan, total: number): number[] {
  const parts: number[] = [];
  for (let sent = 0; sent < total; sent += parts.at(-1) ?? 0)
    parts.push(Math.min(nextPartBytes(plan, sent), total - sent));
  return parts;
}

describe('the plan of parts', () => {
  test('any object up to 5 TiB fits in 10,000 parts of which none is larger than the servers take', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 * TiB }), (total) => {
        const parts = cut(partPlan, total);
        expect(parts.length).toBeLessThanOrEqual(10_000);
        expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total);
        expect(Math.max(...parts)).toBeLessThanOrEqual(5 * GiB);
        expect(Math.min(...parts.slice(0, -1), 5 * MiB)).toBeGreaterThanOrEqual(5 * MiB);
      }),
      { numRuns: 200 },
    );
    expect(cut(partPlan, 5 * TiB)).toHaveLength(9670);
  });

  test.each([
    [10 * GiB, 8 * MiB],
    [80 * GiB, 64 * MiB],
    [640 * GiB, 512 * MiB],
    [5 * TiB, 1 * GiB],
  ])('an object of %i bytes needs no more memory at a time than parts of %i', (total, most) => {
    expect(Math.max(...cut(partPlan, total))).toBe(most);
  });

  test('with any limits, parts never shrink and never pass the largest', () => {
    const limits = fc.record({
      firstBytes: fc.integer({ min: 1, max: 1000 }),
      doubleAfter: fc.integer({ min: 1, max: 50 }),
      largestBytes: fc.integer({ min: 1000, max: 10_000 }),
      mostParts: fc.constant(100),
    });
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 100_000 }), (plan, total) => {
        const whole = cut(plan, total).slice(0, -1);
        expect(whole).toEqual(whole.toSorted((a, b) => a - b));
        for (const part of whole) expect(part).toBeLessThanOrEqual(plan.largestBytes);
      }),
    );
  });
});
