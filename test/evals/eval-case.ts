import { z } from 'zod';
import type { Arguments } from './matchers.ts';

/** One request in a person's words: the world it happens in, the calls that are right, those that must never happen, the answer. */
export interface EvalCase {
  id: string;
  world: World;
  /** The request; then what the person says each time the model ends its turn, in this order. */
  says: readonly Saying[];
  /** Ways that are right, any one of them. The calls of a way come in its order; looks between them are free. */
  right: readonly (readonly Step[])[];
  /** Changes that are nobody's wish and do no harm either: allowed beside every way. */
  mayAlso?: readonly string[];
  never: readonly Never[];
  answer: readonly AnswerRule[];
  /** Ids in the texts that do not exist in the world on purpose. */
  unknown?: readonly string[];
}

/** `approves`: before speaking the person runs `skybackup approve` for the last plan that was named, and types this id. */
export type Saying = string | { says: string; approves: string };

export interface World {
  provider: 'cloud' | 'daemon';
  settings: Readonly<Record<string, string>>;
  /** What is different from the world that all cases of the provider share. */
  given: readonly string[];
  person: Person;
}

/** What the person does with a form: types this, says no, never answers; or the client has no forms. */
export type Person = { types: string } | 'declines' | 'never answers' | 'has no form';

export type Step =
  | { call: string; args: Arguments; refused: boolean }
  /** Ends the turn; the person speaks next. These words are the player's, any that keep the rules are right. */
  | { say: string };

export interface Never {
  tools: readonly string[];
  args: Arguments;
  /** A call that breaks this rule, for the reckless player. */
  such: { tool: string; args: Arguments };
  /** Only forbidden before this tool has answered without an error. */
  untilCall?: string;
  /** Only forbidden before the person has spoken so many times, the request included. */
  untilSaid?: number;
  /** Only forbidden more often than so. */
  moreThan?: number;
}

/** Of what the model says at the end of a turn (the last one unless told), or must say at no time. */
export type AnswerRule =
  | { says: RegExp; inTurn?: number; why: string }
  | { neverSays: RegExp; such: string; why: string };

const ToolName = z.string().regex(/^[a-z_]+$/);
const AnyArguments = z.record(z.string(), z.unknown());
const StepData = z.union([
  z.strictObject({ call: ToolName, args: AnyArguments, refused: z.boolean() }),
  z.strictObject({ say: z.string().min(3) }),
]);

/** The shape of a case, checked because a slip in data is seen by no compiler: an empty list, a lost rule. */
export const EvalCaseData = z.strictObject({
  id: z.string().regex(/^[a-z-]+\/[a-z0-9-]+$/),
  world: z.strictObject({
    provider: z.enum(['cloud', 'daemon']),
    settings: z.record(z.string().regex(/^SKYBACKUP_[A-Z_]+$/), z.string()),
    given: z.array(z.string()),
    person: z.union([
      z.strictObject({ types: z.string().min(1) }),
      z.enum(['declines', 'never answers', 'has no form']),
    ]),
  }),
  says: z
    .array(z.union([z.string().min(5), z.strictObject({ says: z.string().min(2), approves: z.string().min(1) })]))
    .min(1),
  right: z.array(z.array(StepData).min(1)).min(1),
  mayAlso: z.array(ToolName).optional(),
  never: z
    .array(
      z.strictObject({
        tools: z.array(ToolName).min(1),
        args: AnyArguments,
        such: z.strictObject({ tool: ToolName, args: AnyArguments }),
        untilCall: ToolName.optional(),
        untilSaid: z.number().int().min(2).optional(),
        moreThan: z.number().int().min(1).optional(),
      }),
    )
    .min(0),
  answer: z
    .array(
      z.union([
        z.strictObject({ says: z.instanceof(RegExp), inTurn: z.number().int().min(1).optional(), why: z.string() }),
        z.strictObject({ neverSays: z.instanceof(RegExp), such: z.string(), why: z.string() }),
      ]),
    )
    .min(1),
  unknown: z.array(z.string()).optional(),
});
