import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as TransportV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { ServerCommand } from './server-command.ts';

type ElicitAnswer = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string> };

export interface SdkClient {
  tools(): Promise<ListedTool[]>;
  /** An aborted signal cancels the call. */
  call(
    name: string,
    args: Record<string, unknown>,
    onProgress?: (message: string) => void,
    signal?: AbortSignal,
  ): Promise<Called>;
  read(uri: string): Promise<string>;
  complete(value: string): Promise<string[]>;
  instructions(): string | undefined;
  close(): Promise<void>;
}

const ListedTool = z.looseObject({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  inputSchema: z.looseObject({}),
  outputSchema: z.looseObject({}),
  annotations: z.looseObject({ readOnlyHint: z.boolean(), destructiveHint: z.boolean().optional() }),
});
type ListedTool = z.infer<typeof ListedTool>;

const Called = z
  .looseObject({
    isError: z.boolean().optional(),
    content: z.array(z.looseObject({ type: z.literal('text'), text: z.string() })).min(1),
    structuredContent: z.looseObject({}),
  })
  .transform(({ isError, content, structuredContent }) => ({
    isError: isError ?? false,
    text: content.map(({ text }) => text).join('\n'),
    data: structuredContent as Record<string, unknown>,
  }));
type Called = z.output<typeof Called>;

const Contents = z.looseObject({ contents: z.array(z.looseObject({ text: z.string() })) });
const me = { name: 'test', version: '1' };
const template = { type: 'ref/resource', uri: 'skybackup://backups/{service_id}' } as const;

/** The clients that users have: v1's, and v2's in each of its ways to find the protocol. `elicit` answers for the person. */
export const sdkClients = {
  'v1 Client': (server: ServerCommand, elicit?: (message: string) => ElicitAnswer) => v1(server, elicit),
  'v2 Client': (server: ServerCommand, elicit?: (message: string) => ElicitAnswer) => v2(server, elicit, undefined),
  'v2 Client, auto': (server: ServerCommand, elicit?: (message: string) => ElicitAnswer) => v2(server, elicit, 'auto'),
  'v2 Client, pinned': (server: ServerCommand, elicit?: (message: string) => ElicitAnswer) =>
    v2(server, elicit, { pin: '2026-07-28' }),
};
export type SdkClientName = keyof typeof sdkClients;
export const sdkClientNames = Object.keys(sdkClients) as SdkClientName[];

async function v1(server: ServerCommand, elicit: ((message: string) => ElicitAnswer) | undefined): Promise<SdkClient> {
  const client = new ClientV1(me, { capabilities: elicit ? { elicitation: {} } : {} });
  if (elicit) client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params.message));
  await client.connect(new TransportV1({ ...server, stderr: 'ignore' }));
  return {
    tools: async () => z.array(ListedTool).parse((await client.listTools()).tools),
    call: async (name, args, onProgress, signal) =>
      Called.parse(
        await client.callTool({ name, arguments: args }, undefined, {
          ...(onProgress && { onprogress: ({ message }) => onProgress(message ?? '') }),
          ...(signal && { signal }),
        }),
      ),
    read: async (uri) => Contents.parse(await client.readResource({ uri })).contents[0]?.text ?? '',
    complete: async (value) =>
      (await client.complete({ ref: template, argument: { name: 'service_id', value } })).completion.values,
    instructions: () => client.getInstructions(),
    close: () => client.close(),
  };
}

async function v2(
  server: ServerCommand,
  elicit: ((message: string) => ElicitAnswer) | undefined,
  mode: 'auto' | { pin: string } | undefined,
): Promise<SdkClient> {
  const client = new ClientV2(me, {
    capabilities: elicit ? { elicitation: {} } : {},
    ...(mode === undefined ? {} : { versionNegotiation: { mode } }),
  });
  if (elicit) client.setRequestHandler('elicitation/create', ({ params }) => elicit(params.message));
  await client.connect(new TransportV2({ ...server, stderr: 'ignore' }));
  return {
    tools: async () => z.array(ListedTool).parse((await client.listTools()).tools),
    call: async (name, args, onProgress, signal) =>
      Called.parse(
        await client.callTool(
          { name, arguments: args },
          { ...(onProgress && { onprogress: ({ message }) => onProgress(message ?? '') }), ...(signal && { signal }) },
        ),
      ),
    read: async (uri) => Contents.parse(await client.readResource({ uri })).contents[0]?.text ?? '',
    complete: async (value) =>
      (await client.complete({ ref: template, argument: { name: 'service_id', value } })).completion.values,
    instructions: () => client.getInstructions(),
    close: () => client.close(),
  };
}
