import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mayRepeat, parseRetryAfter, retryDelay, tries } from './retry.ts';

const statuses = fc.integer({ min: 300, max: 599 });
const retryAfter = fc.option(fc.nat(100_000), { nil: undefined });
const otherVerb = fc.constantFrom('POST', 'PATCH', 'PUT', 'DELETE');

test('GET is repeated on 429, 500, 502, 503, 504 and on no other status', () => {
  fc.assert(
    fc.property(statuses, retryAfter, (status, retryAfterMs) => {
      const expected = [429, 500, 502, 503, 504].includes(status);
      expect(mayRepeat('GET', { kind: 'status', status, retryAfterMs })).toBe(expected);
    }),
  );
});

test('another verb is repeated only when it cannot have been carried out', () => {
  fc.assert(
    fc.property(otherVerb, statuses, retryAfter, (method, status, retryAfterMs) => {
      const turnedAway = status === 429 || (status === 503 && retryAfterMs !== undefined);
      expect(mayRepeat(method, { kind: 'status', status, retryAfterMs })).toBe(turnedAway);
      expect(mayRepeat(method, { kind: 'broken' })).toBe(false);
      expect(mayRepeat(method, { kind: 'unconnected' })).toBe(true);
    }),
  );
});

test('a wait keeps inside the deadline, is never shorter than Retry-After, and ends with the tries', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.nat(60_000),
      retryAfter,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failedTries, remainingMs, retryAfterMs, random) => {
        const delay = retryDelay({ failedTries, remainingMs, retryAfterMs }, () => random);
        if (delay === undefined) {
          const shortest = Math.max(250 * 2 ** (failedTries - 1) * (0.5 + random), retryAfterMs ?? 0);
          expect(failedTries >= tries || Math.ceil(shortest) >= remainingMs).toBe(true);
          return;
        }
        expect(failedTries).toBeLessThan(tries);
        expect(delay).toBeLessThan(remainingMs);
        expect(delay).toBeGreaterThanOrEqual(retryAfterMs ?? 125);
        if (retryAfterMs === undefined) expect(delay).toBeLessThanOrEqual(750);
      },
    ),
  );
});

test('Retry-After is read as seconds and as an HTTP date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(parseRetryAfter('7', now)).toBe(7000);
  expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000);
  expect(parseRetryAfter('Thu, 01 Jan 2015 00:00:05 GMT', now)).toBe(0);
  expect(parseRetryAfter('soon', now)).toBeUndefined();
  expect(parseRetryAfter('-3', now)).toBeUndefined();
  expect(parseRetryAfter(undefined, now)).toBeUndefined();
});
