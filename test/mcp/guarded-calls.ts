import { z } from 'zod';
import type { RawClient } from './raw-client.ts';

/** One call of a tool that may change something, and what it must come to when nobody has approved anything. */
export interface GuardedCall {
  tool: string;
  /** What it tries, in words. */
  tries: string;
  args: Record<string, unknown>;
  /** `plan`: something is taken away, so nothing happens; `done`: nothing is taken away; else the code it is refused with. */
  comesTo: 'plan' | 'done' | (string & {});
}

export function calls(
  tool: string,
  comesTo: GuardedCall['comesTo'],
  rows: Record<string, Record<string, unknown>>,
): GuardedCall[] {
  return Object.entries(rows).map(([tries, args]) => ({ tool, tries, args, comesTo }));
}

const Listed = z.array(
  z.looseObject({
    name: z.string(),
    inputSchema: z.looseObject({ properties: z.record(z.string(), z.looseObject({ type: z.string().optional() })) }),
    annotations: z.looseObject({ readOnlyHint: z.boolean() }),
  }),
);

/** The tools that may change something, each with the names of its arguments that are text. */
export async function writingTools(client: RawClient): Promise<{ name: string; texts: string[] }[]> {
  const { result } = await client.request('tools/list').answer;
  return Listed.parse(result?.tools)
    .filter(({ annotations }) => !annotations.readOnlyHint)
    .map(({ name, inputSchema }) => ({
      name,
      texts: Object.entries(inputSchema.properties).flatMap(([key, { type }]) => (type === 'string' ? [key] : [])),
    }));
}
