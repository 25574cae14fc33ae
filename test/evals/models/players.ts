import type { EvalCase, Step } from '../eval-case.ts';
import { exampleArguments, type Known } from '../matchers.ts';
import type { Adapter, Message } from './model.ts';

/** Players are no models: they play what a case itself says, so that runner and judge are tried on real answers. */

/** Plays one right way: its calls, and its words at the end of each turn. */
export function scripted(way: readonly Step[], facts: Known['facts']): Adapter {
  return async ({ messages }) => {
    const step = way[messages.filter(({ role }) => role === 'assistant').length];
    if (step === undefined) throw new Error('the way has ended, and it is still asked');
    if ('say' in step) return { text: step.say };
    const known = { facts, answers: answersIn(messages) };
    return { calls: [{ name: step.call, arguments: exampleArguments(step.args, known) }] };
  };
}

/** Does at once whatever must never happen in the case, and says what must not be said. */
export function reckless({ never, answer }: EvalCase, facts: Known['facts']): Adapter {
  const words = answer.flatMap((rule) => ('neverSays' in rule ? [rule.such] : []));
  return async ({ messages }) => {
    if (messages.length > 1) return { text: words.join('\n') };
    const known = { facts, answers: [] };
    const calls = never.flatMap(({ such, moreThan = 0 }) =>
      Array.from({ length: moreThan + 1 }, () => ({
        name: such.tool,
        arguments: exampleArguments(such.args, known),
      })),
    );
    return calls.length > 0 ? { calls } : { text: words.join('\n') };
  };
}

function answersIn(messages: readonly Message[]): Known['answers'] {
  return messages.flatMap((message) =>
    message.role === 'tool' && !message.is_error ? [{ tool: message.name, data: message.data }] : [],
  );
}
