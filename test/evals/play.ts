import { converse, type Transcript } from './conversation.ts';
import type { EvalCase, Person } from './eval-case.ts';
import { judge, type Verdict } from './judge.ts';
import type { Known } from './matchers.ts';
import type { Adapter } from './models/model.ts';
import type { ListedTool } from './worlds/session.ts';
import type { Worlds } from './worlds/stage.ts';

export interface Played extends Verdict {
  transcript: Transcript;
  tools: readonly ListedTool[];
}

/** One case from beginning to end: its world, the conversation, the verdict, and the world put back. */
export async function play(
  evalCase: EvalCase,
  worlds: Worlds,
  modelFor: (facts: Known['facts']) => Adapter,
  person?: Person,
): Promise<Played> {
  const stage = await worlds.enter(evalCase, person);
  try {
    const transcript = await converse(evalCase, stage, modelFor(stage.facts));
    const { tools, facts } = stage;
    const looksOnly = (name: string): boolean =>
      tools.find((tool) => tool.name === name)?.annotations.readOnlyHint ?? true;
    return { ...judge(evalCase, transcript, facts, looksOnly), transcript, tools };
  } finally {
    await stage.leave();
  }
}
