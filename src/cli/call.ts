import { text } from 'node:stream/consumers';
import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { version } from '../client/version.ts';
import { createServer } from '../mcp/server.ts';
import { exitCodes, type Terminal, UsageError } from './terminal.ts';
import { withApi } from './with-api.ts';

/** Longer than wait_for's own 45 s. */
const patienceMs = 180_000;

/**
 * Calls one of the MCP tools as a client would, in this process, and prints its text, or with --json its structured content.
 * It declares no elicitation: what needs a person's yes is answered with the plan and how to approve it.
 */
export function callTool(terminal: Terminal, tool: string, json: string | undefined): Promise<number> {
  return withApi(terminal, async (api, settings) => {
    const args = await readArguments(json);
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    const server = createServer({ api, settings, version });
    const client = new Client({ name: 'skybackup-call', version });
    const cancel = new AbortController();
    const interrupt = (): void => cancel.abort();
    process.once('SIGINT', interrupt);
    try {
      await server.connect(theirs);
      await client.connect(ours);
      const { tools } = await client.listTools();
      if (!tools.some(({ name }) => name === tool))
        throw new UsageError(`There is no tool ${tool}.`, `The tools are ${tools.map(({ name }) => name).join(', ')}.`);
      const answer = await client.callTool(
        { name: tool, arguments: args },
        {
          signal: cancel.signal,
          timeout: patienceMs,
          onprogress: ({ message }) => terminal.note(message ?? '…'),
        },
      );
      const words = answer.content.flatMap((part) => (part.type === 'text' ? part.text.split('\n') : []));
      if (!answer.isError || terminal.json)
        terminal.result(answer.structuredContent ?? { text: words.join('\n') }, words);
      else terminal.note(words);
      return answer.isError ? exitCodes.failed : exitCodes.done;
    } finally {
      process.off('SIGINT', interrupt);
      await client.close();
      await server.close();
    }
  });
}

async function readArguments(json: string | undefined): Promise<Record<string, unknown>> {
  const source = json === '-' ? await text(process.stdin) : (json ?? '{}');
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    throw new UsageError(
      'The arguments are not JSON.',
      `For example: skybackup call list_backups '{"service":"shop"}'`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('The arguments are not a JSON object.');
  return { ...value };
}
