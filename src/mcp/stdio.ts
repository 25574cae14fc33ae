import {
  isJSONRPCNotification,
  type JSONRPCMessage,
  type McpServer,
  type McpServerFactory,
  type RequestId,
} from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { McpContext } from './context.ts';
import { Askings } from './guard/askings.ts';
import { outwardText } from './outward.ts';
import { StdioListening } from './resources/stdio-listening.ts';
import { watchResources } from './resources/watch-resources.ts';
import { createServer } from './server.ts';

/**
 * Serves MCP on stdin and stdout, both protocol eras, until stdin ends. Nothing but protocol goes to stdout. Nothing is started or
 * opened before the first call that needs it: hosts spawn servers only to look at them, and often twice. `lookEveryMs`: how often
 * it looks for changes that a client wants to be told of, if not as often as fits the provider.
 */
export async function runStdio(context: McpContext, lookEveryMs?: number): Promise<void> {
  const askings = new Askings();
  const transport = new StdioServerTransport();
  const ended = new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    // A host that died cannot be written to either: without this the process would live on, deaf.
    process.stdout.once('error', () => resolve());
  });
  const watch = watchResources(context, lookEveryMs);
  let modern: McpServer | undefined;
  const listening = new StdioListening(watch, (uri) => {
    void modern?.server.sendResourceUpdated({ uri }).catch(() => undefined);
  });
  const serve: McpServerFactory = ({ era }) => {
    const server = createServer({ ...context, askings, watch });
    if (era === 'modern') modern = server;
    return server;
  };
  const handle = serveStdio(serve, {
    transport,
    onerror: (error) => void process.stderr.write(`${outwardText(`skybackup mcp: ${error.message}`, 500)}\n`),
  });
  const deliver = transport.onmessage;
  transport.onmessage = (message) => {
    const request = cancelledRequest(message);
    if (request !== undefined) {
      askings.cancelled(request);
      listening.end(request);
    }
    const taken = listening.takes(
      message,
      (held) => deliver?.(held),
      (answer) => void transport.send(answer).catch(() => undefined),
    );
    if (!taken) deliver?.(message);
  };
  // Desktop hosts that run servers inside themselves give a stdin that holds no process: without this it ends after its first answer.
  const held = setInterval(() => undefined, 60_000);
  await ended;
  clearInterval(held);
  watch.close();
  await handle.close();
  askings.close();
  await context.api.close();
}

/** The request that a cancellation names. The SDK forgets answered ones, and a question to a person is such an answer. */
function cancelledRequest(message: JSONRPCMessage): RequestId | undefined {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return undefined;
  const id = message.params?.requestId;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
