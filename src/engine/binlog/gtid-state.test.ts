import { expect, it } from 'vitest';
import { GtidState, goesOn, positionOf } from './gtid-state.ts';

it('keeps the last of every domain and server, a domain’s newest last, as the server does', () => {
  const state = new GtidState();
  for (const [domain, server, sequence] of [
    [3, 1, 1n],
    [0, 2, 5n],
    [0, 1, 6n],
    [0, 2, 7n],
  ] as const) {
    state.add({ domain, server, sequence });
  }
  expect(String(state)).toBe('0-1-6,0-2-7,3-1-1');
  expect(positionOf(String(state))).toBe('0-2-7,3-1-1');
});

it.each([
  ['', '', true],
  ['0-1-5', '0-1-5', true],
  ['0-1-5,0-2-3', '0-2-3,0-1-5', true],
  ['0-1-5,1-1-2', '0-1-5', true], // FLUSH BINARY LOGS DELETE_DOMAIN_ID=(1)
  ['0-1-5', '', false], // RESET MASTER
  ['0-1-5', '0-1-4', false],
  ['0-1-5', '0-1-6', false],
  ['0-1-5', '0-1-5,1-1-1', false],
  ['', '0-1-1', false],
])('from %s to %s goes on: %s', (end, head, expected) => {
  expect(goesOn(end, head)).toBe(expected);
});
