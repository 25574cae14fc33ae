import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as TransportV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as AnyTransportV1 } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { HttpServer } from './http-wire.ts';
import type { ServerCommand } from './server-command.ts';

/** One that is spawned, or one at an address. */
type Server = ServerCommand | HttpServer;
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
  resources(): Promise<{ uri: string; name: string; title?: string | undefined }[]>;
  prompts(): Promise<ListedPrompt[]>;
  /** The words of a prompt. */
  prompt(name: string, args: Record<string, string>): Promise<string>;
  /** Completes the service id of the template. */
  complete(value: string): Promise<string[]>;
  completePrompt(name: string, argument: string, value: string, chosen?: Record<string, string>): Promise<string[]>;
  /** Asks to be told of changes; ends with what it returns. */
  subscribe(uri: string): Promise<() => Promise<unknown>>;
  /** The resources that were told to have changed, in order. */
  updates: string[];
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
const Listed = z.array(z.looseObject({ uri: z.string(), name: z.string(), title: z.string().optional() }));
const ListedPrompt = z.looseObject({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  arguments: z.array(z.looseObject({ name: z.string(), description: z.string(), required: z.boolean() })),
});
type ListedPrompt = z.infer<typeof ListedPrompt>;
const Messages = z.array(z.looseObject({ role: z.literal('user'), content: z.looseObject({ text: z.string() }) }));
const me = { name: 'test', version: '1' };
const template = { type: 'ref/resource', uri: 'skybackup://backups/{service_id}' } as const;

/** The clients that users have: v1's, and v2's in each of its ways to find the protocol. `elicit` answers for the person. */
export const sdkClients = {
  'v1 Client': (server: Server, elicit?: (message: string) => ElicitAnswer) => v1(server, elicit),
  'v2 Client': (server: Server, elicit?: (message: string) => ElicitAnswer) => v2(server, elicit, undefined),
  'v2 Client, auto': (server: Server, elicit?: (message: string) => ElicitAnswer) => v2(server, elicit, 'auto'),
  'v2 Client, pinned': (server: Server, elicit?: (message: string) => ElicitAnswer) =>
    v2(server, elicit, { pin: '2026-07-28' }),
};
export type SdkClientName = keyof typeof sdkClients;
export const sdkClientNames = Object.keys(sdkClients) as SdkClientName[];

/** What both libraries are asked for in the same words. */
function sameInBoth(client: ClientV1 | ClientV2): Omit<SdkClient, 'call' | 'updates' | 'subscribe'> {
  return {
    tools: async () => z.array(ListedTool).parse((await client.listTools()).tools),
    read: async (uri) => Contents.parse(await client.readResource({ uri })).contents[0]?.text ?? '',
    resources: async () => Listed.parse((await client.listResources()).resources),
    prompts: async () => z.array(ListedPrompt).parse((await client.listPrompts()).prompts),
    prompt: async (name, args) =>
      Messages.parse((await client.getPrompt({ name, arguments: args })).messages)
        .map(({ content }) => content.text)
        .join('\n'),
    completePrompt: async (name, argument, value, chosen = {}) =>
      (
        await client.complete({
          ref: { type: 'ref/prompt', name },
          argument: { name: argument, value },
          context: { arguments: chosen },
        })
      ).completion.values,
    complete: async (value) =>
      (await client.complete({ ref: template, argument: { name: 'service_id', value } })).completion.values,
    instructions: () => client.getInstructions(),
    close: () => client.close(),
  };
}

async function v1(server: Server, elicit: ((message: string) => ElicitAnswer) | undefined): Promise<SdkClient> {
  const client = new ClientV1(me, { capabilities: elicit ? { elicitation: {} } : {} });
  if (elicit) client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params.message));
  const updates: string[] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updates.push(params.uri));
  const transport =
    'url' in server
      ? new HttpV1(new URL(server.url), { requestInit: { headers: server.headers ?? {} } })
      : new TransportV1({ ...server, stderr: 'ignore' });
  // Its own types disagree about an optional member.
  await client.connect(transport as AnyTransportV1);
  return {
    ...sameInBoth(client),
    call: async (name, args, onProgress, signal) =>
      Called.parse(
        await client.callTool({ name, arguments: args }, undefined, {
          ...(onProgress && { onprogress: ({ message }) => onProgress(message ?? '') }),
          ...(signal && { signal }),
        }),
      ),
    updates,
    subscribe: async (uri) => {
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
  };
}

async function v2(
  server: Server,
  elicit: ((message: string) => ElicitAnswer) | undefined,
  mode: 'auto' | { pin: string } | undefined,
): Promise<SdkClient> {
  const client = new ClientV2(me, {
    capabilities: elicit ? { elicitation: {} } : {},
    ...(mode === undefined ? {} : { versionNegotiation: { mode } }),
  });
  if (elicit) client.setRequestHandler('elicitation/create', ({ params }) => elicit(params.message));
  const updates: string[] = [];
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updates.push(params.uri));
  await client.connect(
    'url' in server
      ? new HttpV2(new URL(server.url), { requestInit: { headers: server.headers ?? {} } })
      : new TransportV2({ ...server, stderr: 'ignore' }),
  );
  return {
    ...sameInBoth(client),
    call: async (name, args, onProgress, signal) =>
      Called.parse(
        await client.callTool(
          { name, arguments: args },
          { ...(onProgress && { onprogress: ({ message }) => onProgress(message ?? '') }), ...(signal && { signal }) },
        ),
      ),
    updates,
    subscribe: async (uri) => {
      if (mode !== undefined) {
        const subscription = await client.listen({ resourceSubscriptions: [uri] });
        return () => subscription.close();
      }
      await client.subscribeResource({ uri });
      return () => client.unsubscribeResource({ uri });
    },
  };
}
