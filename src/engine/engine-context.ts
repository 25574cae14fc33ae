import type { Home } from '../contract/home.ts';
import type { Clock } from './clock.ts';
import type { JobRunner } from './jobs/job-runner.ts';
import type { BackupRepository } from './repository/repository.ts';
import type { Storages } from './storages/storages.ts';
import type { StateStore } from './store/state-store.ts';

/** Something an operator should find in the log; for people the same is said where it matters. */
export type EngineLog = (level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>) => void;

/** What the parts of the engine share. */
export interface EngineContext {
  readonly home: Home;
  readonly state: StateStore;
  /** All storages as one, for what is asked about a backup; of a backup that is taken, the one it goes to. */
  readonly repository: BackupRepository;
  readonly storages: Storages;
  readonly jobs: JobRunner;
  readonly clock: Clock;
  readonly log: EngineLog;
  /** A daemon that a client started does not come back by itself: new schedules say so. */
  readonly startedBy: 'client' | 'person';
  /** Files that a physical backup reads at once. */
  readonly parallel: number;
}

/** On whose behalf something destructive is asked, and the approved plan it brings. */
export interface Asker {
  /** `socket`, `agent-socket`, or `key:<id>`. */
  principal: string;
  role: 'administrator' | 'requester' | 'operator' | 'viewer';
  planId?: string | undefined;
}
