import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import type { ServerCommand } from '../../mcp/server-command.ts';
import type { Person } from '../eval-case.ts';

const Listed = z.looseObject({
  name: z.string(),
  description: z.string(),
  inputSchema: z.looseObject({}),
  annotations: z.looseObject({ readOnlyHint: z.boolean(), destructiveHint: z.boolean().optional() }),
});
export type ListedTool = z.infer<typeof Listed>;

const Result = z.looseObject({
  isError: z.boolean().optional(),
  content: z.array(z.looseObject({ text: z.string().optional() })),
  structuredContent: z.looseObject({}).optional(),
});

export interface CallAnswer {
  isError: boolean;
  text: string;
  data: Record<string, unknown>;
}

/** How long this host waits for a call behind which a person never answers; then it cancels, as hosts do. */
const patienceMs = 1500;

/** Who is asked during the present call, and how the host ends it. */
interface Asked {
  person: Person;
  gone: AbortController;
}

/** The real MCP server behind a real client over stdio, with a person in front of it who may be another one in each case. */
export class Session {
  readonly tools: readonly ListedTool[];
  readonly instructions: string;
  readonly #client: Client;
  readonly #asked: Asked;

  private constructor(client: Client, tools: ListedTool[], asked: Asked) {
    this.#client = client;
    this.#asked = asked;
    this.tools = tools;
    this.instructions = client.getInstructions() ?? '';
  }

  static async start(server: ServerCommand, hasForms: boolean): Promise<Session> {
    const asked: Asked = { person: 'declines', gone: new AbortController() };
    const client = new Client(
      { name: 'evals', version: '1' },
      { capabilities: hasForms ? { elicitation: {} } : {}, versionNegotiation: { mode: 'auto' } },
    );
    if (hasForms) {
      client.setRequestHandler('elicitation/create', ({ params }) => formAnswer(asked, params));
    }
    await client.connect(new StdioClientTransport({ ...server, stderr: 'ignore' }));
    const { tools } = await client.listTools();
    return new Session(client, z.array(Listed).parse(tools), asked);
  }

  /** What goes wrong with the call itself is an answer too: a model has to read it. */
  async call(name: string, args: Record<string, unknown>, person: Person): Promise<CallAnswer> {
    const gone = new AbortController();
    const impatient = new Promise<never>((_, reject) => {
      gone.signal.addEventListener('abort', () => reject(new Error('The host ended the call: nobody answered.')));
    });
    impatient.catch(() => undefined);
    Object.assign(this.#asked, { person, gone });
    try {
      const answer = this.#client.callTool({ name, arguments: args }, { signal: gone.signal, timeout: 120_000 });
      const result = Result.parse(await Promise.race([answer, impatient]));
      return {
        isError: result.isError ?? false,
        text: result.content.map(({ text }) => text ?? '').join('\n'),
        data: result.structuredContent ?? {},
      };
    } catch (error) {
      return { isError: true, text: error instanceof Error ? error.message : String(error), data: {} };
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

type FormAnswer = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string> };

async function formAnswer({ person, gone }: Asked, params: unknown): Promise<FormAnswer> {
  if (person === 'never answers') {
    setTimeout(() => gone.abort(), patienceMs);
    return new Promise(() => undefined);
  }
  if (typeof person === 'string') return { action: 'decline' };
  const { requestedSchema } = z
    .looseObject({ requestedSchema: z.looseObject({ properties: z.looseObject({}) }) })
    .parse(params);
  const [field = ''] = Object.keys(requestedSchema.properties);
  return { action: 'accept', content: { [field]: person.types } };
}
