import type { Outcome } from '../../contract/status.ts';
import type { ToolAnswer } from '../answer.ts';
import type { Call } from '../context.ts';

/** One look at work that runs elsewhere. */
export interface Followed {
  outcome: Outcome;
  /** What it is doing, for progress and for an answer before the end. */
  message: string;
  done?: number | undefined;
  total?: number | undefined;
  data: Record<string, unknown>;
  /** The answer once it ended, well or badly. */
  ended(call: Call): Promise<ToolAnswer>;
}
