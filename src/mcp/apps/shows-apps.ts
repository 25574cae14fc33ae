import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { clientCapabilities } from '../client-capabilities.ts';

/** The extension's names, written out: its library must not be loaded by a server that is only probed. */
export const appsExtension = 'io.modelcontextprotocol/ui';
export const pageType = 'text/html;profile=mcp-app';

const Declared = z.looseObject({
  extensions: z.looseObject({ [appsExtension]: z.looseObject({ mimeTypes: z.array(z.string()) }) }),
});

/** Whether the client shows pages of this kind to a person, as it says itself. */
export function showsApps(ctx: ServerContext, server: McpServer): boolean {
  const declared = Declared.safeParse(clientCapabilities(ctx, server));
  return declared.success && (declared.data.extensions[appsExtension]?.mimeTypes.includes(pageType) ?? false);
}
