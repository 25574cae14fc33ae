import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Askings } from './askings.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function open(askings: Askings, request: number, subject = 'restore a') {
  const giveUp = vi.fn();
  const beat = vi.fn();
  askings.add(request, { plan: `plan ${request}`, subject, giveUp, beat, patienceMs: 300_000 });
  return { giveUp, beat };
}

describe('a question that waits', () => {
  it('beats every 15 s until it is answered, and is then beyond cancelling', () => {
    const askings = new Askings();
    const { giveUp, beat } = open(askings, 1);
    vi.advanceTimersByTime(60_000);
    expect(beat).toHaveBeenCalledTimes(4);
    askings.answered('plan 1');
    vi.advanceTimersByTime(600_000);
    askings.cancelled(1);
    expect(beat).toHaveBeenCalledTimes(4);
    expect(giveUp).not.toHaveBeenCalled();
  });

  it('is given up when its call is cancelled, once', () => {
    const askings = new Askings();
    const { giveUp } = open(askings, 1);
    askings.cancelled(2);
    askings.cancelled(1);
    askings.cancelled(1);
    expect(giveUp).toHaveBeenCalledTimes(1);
  });

  it('is given up when nobody answers in time', () => {
    const askings = new Askings();
    const { giveUp } = open(askings, 1);
    vi.advanceTimersByTime(300_000);
    expect(giveUp).toHaveBeenCalledTimes(1);
  });

  it('leaves no timer behind when the connection closes', () => {
    const askings = new Askings();
    open(askings, 1);
    askings.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a host that never answers', () => {
  it('is known after two quick cancellations, or after one long wait', () => {
    const quick = new Askings();
    for (const request of [1, 2]) {
      expect(quick.wentUnanswered('restore a')).toBe(false);
      open(quick, request);
      quick.cancelled(request);
    }
    expect(quick.wentUnanswered('restore a')).toBe(true);
    expect(quick.wentUnanswered('restore b')).toBe(false);

    const slow = new Askings();
    open(slow, 1);
    vi.advanceTimersByTime(59_000);
    slow.cancelled(1);
    expect(slow.wentUnanswered('restore a')).toBe(true);
  });

  it('is known when it calls again instead of answering', () => {
    const askings = new Askings();
    for (const request of [1, 2, 3]) open(askings, request);
    expect(askings.wentUnanswered('restore a')).toBe(true);
  });

  it('is forgiven as soon as anything is answered', () => {
    const askings = new Askings();
    for (const request of [1, 2, 3]) open(askings, request);
    askings.answered('plan 3');
    expect(askings.wentUnanswered('restore a')).toBe(false);
  });
});
