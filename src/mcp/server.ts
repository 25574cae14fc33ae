import { McpServer } from '@modelcontextprotocol/server';
import { approvalTools } from './apps/approval-tools.ts';
import { readTimeline } from './apps/read-timeline.ts';
import { registerPages } from './apps/register-pages.ts';
import type { GuardContext, McpContext } from './context.ts';
import { operations as allOperations, type Tool } from './define-tool.ts';
import { Askings } from './guard/askings.ts';
import { askPatienceMs } from './guard/confirm.ts';
import { openPlanner } from './guard/open-planner.ts';
import { approvesInPages } from './guard/trusted-channels.ts';
import { visibleApi } from './guard/visible-services.ts';
import { instructionsFor } from './instructions.ts';
import { listTools } from './list-tools.ts';
import { allPrompts } from './prompts/all.ts';
import { allResources } from './resources/all.ts';
import { constantMs } from './resources/define-resource.ts';
import { acceptSubscriptions } from './resources/subscriptions.ts';
import { allTools } from './tools/all.ts';

/** What hosts may keep of this: the same as long as the process lives. */
const constantLists = Object.fromEntries(
  (['tools/list', 'prompts/list', 'resources/templates/list', 'server/discover'] as const).map((list) => [
    list,
    { ttlMs: constantMs },
  ]),
);

/**
 * One MCP server on one connection. No side effects: hosts make servers to probe them. With SKYBACKUP_READ_ONLY, or for a caller
 * who may do no more, only the reading tools exist at all, so no argument, prompt or bug can reach the others; and what the
 * provider cannot do is not offered.
 */
export function createServer(context: McpContext): McpServer {
  const { version, operations = allOperations } = context;
  const readOnly = context.settings.readOnly || !operations.some((operation) => operation !== 'read');
  const settings = { ...context.settings, readOnly };
  const api = visibleApi(context);
  const { capabilities } = api.provider;
  const isOffered = ({ needs, operation }: Tool): boolean =>
    (needs === undefined || capabilities[needs]) &&
    operations.includes(operation) &&
    (!readOnly || operation === 'read');
  const offered = allTools.filter(isOffered);
  const guarded: GuardContext = {
    ...context,
    settings,
    api,
    planner: openPlanner(api, settings),
    askings: context.askings ?? new Askings(),
    offered,
  };
  const server = new McpServer(
    { name: 'skybackup', title: 'MariaDB backups', version },
    {
      instructions: instructionsFor(api.provider, settings),
      capabilities: {
        // Neither of the two changes while a connection lasts.
        tools: { listChanged: false },
        prompts: { listChanged: false },
        // Services come and go, and their resources with them: that is not looked for unless somebody wants to be told, and of
        // a list old clients never say so.
        resources: { listChanged: false, ...(context.watch && { subscribe: true }) },
      },
      cacheHints: constantLists,
      inputRequired: { roundTimeoutMs: askPatienceMs },
    },
  );
  const forPages = [readTimeline, ...(approvesInPages(settings) ? approvalTools(guarded) : [])].filter(isOffered);
  const registered = [...offered, ...forPages].map((tool) => tool.register(server, guarded));
  listTools(server, registered);
  for (const resource of allResources) resource.register(server, guarded);
  registerPages(server);
  for (const prompt of allPrompts) prompt.register(server, guarded);
  const unsubscribe = context.watch && acceptSubscriptions(server, context.watch);
  server.server.onclose = () => {
    unsubscribe?.();
    if (context.askings === undefined) guarded.askings.close();
    guarded.planner.close();
  };
  return server;
}
