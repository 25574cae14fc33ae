import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BackupStages } from './stages.ts';

describe('the stages of a backup', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const follow = () => {
    const events: string[] = [];
    const stages = new BackupStages(
      60_000,
      (stage) => events.push(stage === undefined ? 'granted' : `waiting for ${stage}`),
      () => events.push('timeout'),
    );
    stages.onDdlBlocked = () => events.push('DDL blocked');
    return { stages, events };
  };
  const at = (words: string) => `[00] 2026-11-22 19:17:17 ${words}`;

  it('bound the wait for each lock, the later ones too', () => {
    for (const line of [
      'Starting BACKUP STAGE START',
      'Starting BACKUP STAGE FLUSH',
      'Started BACKUP STAGE BLOCK_DDL',
      'Starting BACKUP STAGE BLOCK_COMMIT',
    ]) {
      const { stages, events } = follow();
      stages.line(at(line));
      vi.advanceTimersByTime(59_999);
      expect(stages.timedOut).toBeUndefined();
      vi.advanceTimersByTime(1);
      expect(stages.timedOut).toBe(line.split(' ').at(-1));
      expect(events.at(-1)).toBe('timeout');
    }
  });

  it('do not count the copying between the locks, nor the end', () => {
    const { stages, events } = follow();
    stages.line(at('Starting BACKUP STAGE START'));
    stages.line(at('Acquired locks for BACKUP STAGE START'));
    vi.advanceTimersByTime(3_600_000);
    stages.line(at('Starting BACKUP STAGE END'));
    vi.advanceTimersByTime(3_600_000);
    expect(stages.timedOut).toBeUndefined();
    expect(events).toEqual([]);
  });

  it('tell of a wait that is felt, and of its end', () => {
    const { stages, events } = follow();
    stages.line(at('Starting BACKUP STAGE FLUSH'));
    vi.advanceTimersByTime(5000);
    stages.line(at('Acquired locks for BACKUP STAGE FLUSH'));
    expect(events).toEqual(['waiting for FLUSH', 'granted']);
  });

  it('tell when DDL is blocked, and remember when commits were', () => {
    const { stages, events } = follow();
    stages.line(at('Acquired locks for BACKUP STAGE BLOCK_DDL'));
    expect(events).toEqual(['DDL blocked']);
    stages.line(at('Acquired locks for BACKUP STAGE BLOCK_COMMIT'));
    expect(stages.commitsBlockedAt).toEqual(new Date());
  });

  it('keep the lines that explain a failure, and no flood of them', () => {
    const { stages } = follow();
    stages.line("Warning: option 'datadir' has different values:");
    stages.line(at('Streaming ./shop/orders.ibd'));
    for (let i = 0; i < 100; i += 1) stages.line(at('Error: something'));
    expect(stages.notable[0]).toContain('different values');
    expect(stages.notable.length).toBe(20);
  });
});
