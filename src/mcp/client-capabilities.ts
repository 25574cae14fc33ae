import { CLIENT_CAPABILITIES_META_KEY, type McpServer, type ServerContext } from '@modelcontextprotocol/server';

/** What the client declares it can do: told with each request in the newer protocol, once for the connection before. */
export function clientCapabilities(ctx: ServerContext, server: McpServer): unknown {
  const envelope: Record<string, unknown> | undefined = ctx.mcpReq.envelope;
  return envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities() ?? {};
}
