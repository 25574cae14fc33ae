import type { Outcome } from '../../contract/status.ts';

/** A backup as the timeline draws it. */
export interface TimelineBackup {
  id: string;
  type: string;
  /** The raw word, and what it comes to. */
  status: string;
  outcome: Outcome;
  /** Of which moment its data are, in milliseconds. */
  at: number;
  bytes?: number | undefined;
  /** The full backup that an incremental builds on. */
  full?: string | undefined;
  message?: string | undefined;
}
