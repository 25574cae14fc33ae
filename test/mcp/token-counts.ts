import { encode } from 'gpt-tokenizer';
import { z } from 'zod';
import { RawClient } from './raw-client.ts';
import type { ServerCommand } from './server-command.ts';

/** Tokens of the GPT tokenizer: what a conversation pays for. */
export interface TokenCounts {
  /** What a model sees of each tool: name, description and arguments. */
  tools: { name: string; tokens: number }[];
  /** Of all tools together. */
  seen: number;
  /** The whole answer to `tools/list`, with what only hosts read. */
  list: number;
  instructions: number;
  /** What else the server lists, by method. */
  others: Record<string, number>;
  /** The list itself, for further looks. */
  listed: string;
}

const Listed = z.array(z.looseObject({ name: z.string(), description: z.string(), inputSchema: z.looseObject({}) }));
const others = ['resources/list', 'resources/templates/list', 'prompts/list'];

export const tokensOf = (value: unknown): number => encode(JSON.stringify(value)).length;

/** Starts the server, lists what it offers, and counts. Listing starts no daemon. */
export async function countTokens(server: ServerCommand): Promise<TokenCounts> {
  const client = await RawClient.start(server, 'modern', { elicitation: false });
  try {
    const list = async (method: string): Promise<unknown> => {
      const { result } = await client.request(method).answer;
      return result?.[method.split('/').at(-2) === 'templates' ? 'resourceTemplates' : (method.split('/')[0] ?? '')];
    };
    const tools = Listed.parse(await list('tools/list'));
    const seen = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    const { result: discovered } = await client.request('server/discover').answer;
    const counted = await Promise.all(others.map(async (method) => [method, await list(method)] as const));
    return {
      tools: seen.map((tool) => ({ name: tool.name, tokens: tokensOf(tool) })),
      seen: tokensOf(seen),
      list: tokensOf({ tools }),
      instructions: tokensOf(z.string().parse(discovered?.instructions)),
      // What it does not list costs nothing.
      others: Object.fromEntries(
        counted.flatMap(([method, items]) => (items === undefined ? [] : [[method, tokensOf(items)]])),
      ),
      listed: JSON.stringify(tools),
    };
  } finally {
    await client.close();
  }
}
