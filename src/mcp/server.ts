import { McpServer } from '@modelcontextprotocol/server';
import type { GuardContext, McpContext } from './context.ts';
import { Askings } from './guard/askings.ts';
import { askPatienceMs } from './guard/confirm.ts';
import { openPlanner } from './guard/open-planner.ts';
import { onlyServices } from './guard/visible-services.ts';
import { instructionsFor } from './instructions.ts';
import { registerResources } from './resources/register.ts';
import { allTools } from './tools/all.ts';

/**
 * One MCP server on one connection. No side effects: hosts make servers to probe them. With SKYBACKUP_READ_ONLY only the reading
 * tools exist at all, so no argument, prompt or bug can reach the others; and what the provider cannot do is not offered.
 */
export function createServer(context: McpContext): McpServer {
  const { settings, version } = context;
  const api = settings.services === undefined ? context.api : onlyServices(context.api, settings.services);
  const guarded: GuardContext = {
    ...context,
    api,
    planner: openPlanner(api, settings),
    askings: context.askings ?? new Askings(),
  };
  const server = new McpServer(
    { name: 'skybackup', title: 'MariaDB backups', version },
    {
      instructions: instructionsFor(api.provider, settings),
      // Neither list changes while a connection lasts.
      capabilities: { tools: { listChanged: false }, resources: { listChanged: false } },
      inputRequired: { roundTimeoutMs: askPatienceMs },
    },
  );
  const { capabilities } = api.provider;
  for (const tool of allTools) {
    const possible = tool.needs === undefined || capabilities[tool.needs];
    if (possible && (!settings.readOnly || tool.operation === 'read')) tool.register(server, guarded);
  }
  registerResources(server, guarded);
  server.server.onclose = () => {
    guarded.askings.close();
    guarded.planner.close();
  };
  return server;
}
