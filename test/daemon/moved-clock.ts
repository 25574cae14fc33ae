import { type Clock, systemClock } from '../../src/engine/clock.ts';

/** The real clock, moved by an offset that a test may change. */
export class MovedClock implements Clock {
  offset = 0;
  now = (): number => Date.now() + this.offset;
  monotonic = (): number => systemClock.monotonic();
  after = systemClock.after;
  /** Moves on to shortly before a moment, so that it comes by itself. */
  toShortlyBefore(moment: string | undefined): void {
    this.offset += Date.parse(moment ?? '') - this.now() - 100;
  }
}
