import type { EvalCase, Saying } from './eval-case.ts';
import type { Known } from './matchers.ts';
import type { Adapter, Message, ModelRequest, ToolCall } from './models/model.ts';
import type { Stage } from './worlds/stage.ts';

export interface RecordedCall {
  tool: string;
  args: Record<string, unknown>;
  isError: boolean;
  text: string;
  data: Record<string, unknown>;
  /** How many times the person had spoken. */
  turn: number;
}

export interface Transcript {
  messages: readonly Message[];
  calls: readonly RecordedCall[];
  /** Everything that the model said, and in which turn; the last of a turn is its answer. */
  texts: readonly { turn: number; text: string }[];
  /** Why it ended early. */
  broken?: string;
}

/** A model that asks more often than this in one case does not end by itself. */
const mostRequests = 40;

/** Lets model, tools and person talk until the person has said all there is to say and the model has answered it. */
export async function converse(evalCase: EvalCase, stage: Stage, model: Adapter): Promise<Transcript> {
  const messages: Message[] = [];
  const calls: RecordedCall[] = [];
  const texts: { turn: number; text: string }[] = [];
  const request: Omit<ModelRequest, 'messages'> = {
    system: systemText(stage),
    tools: stage.tools.map(({ name, description, inputSchema }) => ({ name, description, input_schema: inputSchema })),
  };
  let requests = 0;
  let turn = 0;
  try {
    for (const saying of evalCase.says) {
      turn += 1;
      messages.push({ role: 'user', text: await speak(saying, stage, calls) });
      for (;;) {
        requests += 1;
        if (requests > mostRequests)
          throw new Error(`the model was still calling tools after ${mostRequests} requests`);
        const { text = '', calls: asked = [] } = await model({ ...request, messages: [...messages] });
        const wanted = asked.map((call, index): ToolCall => ({ id: `call_${requests}_${index}`, ...call }));
        messages.push({ role: 'assistant', text, calls: wanted });
        if (text !== '') texts.push({ turn, text });
        if (wanted.length === 0) break;
        for (const { id, name, arguments: args } of wanted) {
          const answer = await stage.call(name, args);
          calls.push({ tool: name, args, ...answer, turn });
          const { isError: is_error, text: said, data } = answer;
          messages.push({ role: 'tool', call_id: id, name, is_error, text: said, data });
        }
      }
    }
  } catch (error) {
    return { messages, calls, texts, broken: error instanceof Error ? error.message : String(error) };
  }
  return { messages, calls, texts };
}

function systemText({ instructions }: Stage): string {
  const now = new Date().toISOString().slice(0, 19).replace('T', ' ');
  return `You help people with the backups of their databases, through tools. It is now ${now} UTC.\n${instructions}`;
}

async function speak(saying: Saying, stage: Stage, calls: readonly RecordedCall[]): Promise<string> {
  if (typeof saying === 'string') return filledIn(saying, stage.facts);
  const planned = calls.findLast(({ data }) => typeof data.approve_with === 'string');
  if (planned === undefined) return 'I have seen no plan that I could approve.';
  const code = String(planned.data.approve_with).split(' ').at(-1) ?? '';
  await stage.approve(code, filledIn(saying.approves, stage.facts));
  return filledIn(saying.says, stage.facts);
}

/** `{{fact}}` in what a person says. */
export function filledIn(text: string, facts: Known['facts']): string {
  return text.replace(/\{\{(.+?)\}\}/g, (_, name: string) => {
    const value = facts[name];
    if (value === undefined) throw new Error(`the world knows no "${name}"`);
    return String(value);
  });
}
