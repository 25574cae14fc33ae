import type { EvalCase, Person } from '../eval-case.ts';
import type { Known } from '../matchers.ts';
import type { CallAnswer, ListedTool } from './session.ts';

/** A case's world, set up: the real server on it, what it was seeded with, and the person. */
export interface Stage {
  facts: Known['facts'];
  tools: readonly ListedTool[];
  instructions: string;
  call(name: string, args: Record<string, unknown>): Promise<CallAnswer>;
  /** The person runs `skybackup approve` at a terminal, and types the target's id. */
  approve(code: string, id: string): Promise<void>;
  /** Puts the world back as the next case expects it. */
  leave(): Promise<void>;
}

/** The worlds of one provider, of which all cases get their stage. `person` may stand in for the case's own. */
export interface Worlds {
  enter(evalCase: EvalCase, person?: Person): Promise<Stage>;
  close(): Promise<void>;
}
