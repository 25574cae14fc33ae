import type { Tool as ListedTool, McpServer } from '@modelcontextprotocol/server';
import { showsApps } from './apps/shows-apps.ts';

/** Lists tools to each client by what it can show; the library's own list is the same for all. */
export function listTools(server: McpServer, tools: readonly (() => ListedTool)[]): void {
  server.server.setRequestHandler('tools/list', (_request, ctx) => {
    const all = tools.map((listed) => listed());
    if (showsApps(ctx, server)) return { tools: all };
    // Without pages nobody keeps a page's tools from the model, so they are not there.
    return { tools: all.filter((tool) => !isForPages(tool)).map(({ _meta, ...tool }) => tool) };
  });
}

function isForPages({ _meta }: ListedTool): boolean {
  const ui = _meta?.ui;
  return typeof ui === 'object' && ui !== null && 'visibility' in ui;
}
