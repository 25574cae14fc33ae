import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keepTokens } from './tokens.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Gives `1`, `2`, `3`…, each for so many seconds. */
function numbered(lastsSeconds: number) {
  let given = 0;
  return keepTokens(async () => {
    given += 1;
    return { token: String(given), lastsMs: lastsSeconds * 1000 };
  });
}

describe('an access token', () => {
  test('is kept until five minutes before its end, whatever is done to the clock', async () => {
    const tokens = numbered(3600);
    expect(await Promise.all([tokens.token(), tokens.token()])).toEqual(['1', '1']);
    vi.setSystemTime(Date.now() + 86_400_000);
    expect(await tokens.token()).toBe('1');
    vi.advanceTimersByTime(54 * 60_000);
    expect(await tokens.token()).toBe('1');
    vi.advanceTimersByTime(60_000);
    expect(await tokens.token()).toBe('2');
  });

  test('that lasts only minutes is kept for half of them', async () => {
    const tokens = numbered(240);
    expect(await tokens.token()).toBe('1');
    vi.advanceTimersByTime(119_000);
    expect(await tokens.token()).toBe('1');
    vi.advanceTimersByTime(1000);
    expect(await tokens.token()).toBe('2');
  });

  test('that was refused is replaced once, also where several were refused with it', async () => {
    const tokens = numbered(3600);
    const refused = await tokens.token();
    tokens.forget(refused);
    expect(await tokens.token()).toBe('2');
    tokens.forget(refused);
    expect(await tokens.token()).toBe('2');
  });

  test('that could not be had is asked for again by the next', async () => {
    const answers = [new Error('not now'), 'token'];
    const tokens = keepTokens(async () => {
      const answer = answers.shift();
      if (typeof answer !== 'string') throw answer;
      return { token: answer, lastsMs: 1000 };
    });
    const asked = [tokens.token(), tokens.token()];
    for (const each of asked) await expect(each).rejects.toThrow('not now');
    expect(await tokens.token()).toBe('token');
  });
});
