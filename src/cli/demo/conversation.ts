import { closeSync, openSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { Launch } from './client-blocks.ts';
import { DemoFailed } from './demo-failed.ts';
import type { Screen } from './screen.ts';

/** What a person is asked before something irreversible; their answer as text, or undefined for a no. */
export type Ask = (question: string, field: string) => Promise<string | undefined>;

export interface Answer {
  text: string;
  data: Record<string, unknown>;
  isError: boolean;
}

/** One MCP client's conversation with the server under `launch`, shown as it goes. */
export interface Conversation {
  protocol: string;
  tools: string[];
  /** Shows the call and its answer. An error of the tool is an answer too. */
  call(tool: string, args: Record<string, unknown>): Promise<Answer>;
  /** As `call`, and throws when the tool reports an error. */
  mustCall(tool: string, args: Record<string, unknown>): Promise<Answer>;
  /** Calls wait_for until the work ended; throws unless it ended well. */
  follow(started: Answer): Promise<Answer>;
  close(): Promise<void>;
}

/** A person may think for as long as a plan lives. */
const patienceMs = 10 * 60_000;

export interface ConversationOptions {
  launch: Launch;
  /** Where the server's stderr goes: its audit lines would tear the page apart. */
  log: string;
  screen: Screen;
  ask: Ask;
  signal: AbortSignal;
}

export async function converse({ launch, log, screen, ask, signal }: ConversationOptions): Promise<Conversation> {
  const client = new Client(
    { name: 'skybackup-demo', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: 'auto' } },
  );
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    const schema = 'requestedSchema' in params ? params.requestedSchema : undefined;
    const [field, property] = Object.entries(schema?.properties ?? {})[0] ?? [];
    if (field === undefined) return { action: 'decline' };
    const typed = await ask(params.message, property?.title ?? field);
    return typed === undefined ? { action: 'decline' } : { action: 'accept', content: { [field]: typed } };
  });
  const stderr = openSync(log, 'a', 0o600);
  await client.connect(new StdioClientTransport({ ...launch, stderr }), { signal }).finally(() => closeSync(stderr));
  const { tools } = await client.listTools(undefined, { signal });

  const call: Conversation['call'] = async (tool, args) => {
    screen.sent('→', `${tool} ${JSON.stringify(args)}`);
    const result = await client.callTool(
      { name: tool, arguments: args },
      {
        signal,
        timeout: patienceMs,
        // The client SDK reports its own steps here as well.
        onprogress: ({ message }) => {
          if (message !== undefined && !message.startsWith('Fulfilling input')) screen.running(message);
        },
      },
    );
    const text = result.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
    screen.answered(text);
    const data = (result.structuredContent ?? {}) as Record<string, unknown>;
    return { text, data, isError: result.isError === true };
  };
  const mustCall: Conversation['call'] = async (tool, args) => {
    const answer = await call(tool, args);
    if (answer.isError) throw new DemoFailed(`${tool} reported an error.`);
    return answer;
  };
  return {
    protocol: client.getNegotiatedProtocolVersion() ?? 'unknown',
    tools: tools.map(({ name }) => name),
    call,
    mustCall,
    follow: async (started) => {
      for (;;) {
        const answer = await mustCall('wait_for', started.data.wait_for as Record<string, unknown>);
        if (answer.data.finished !== true) continue;
        if (answer.data.outcome !== 'done') throw new DemoFailed('it ended badly, as the answer above says.');
        return answer;
      }
    },
    close: () => client.close(),
  };
}
