import type {
  CallToolResult,
  InputRequiredResult,
  Tool as ListedTool,
  McpServer,
  ServerContext,
  ToolAnnotations,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Capabilities, Provider } from '../client/backup-api.ts';
import { claimedClient } from '../client/claimed-client.ts';
import { SkybackupError } from '../contract/errors.ts';
import { answerError, type ToolAnswer, toResult } from './answer.ts';
import { type PageName, pageUri } from './apps/page-names.ts';
import { showsApps } from './apps/shows-apps.ts';
import { audit, clientName } from './audit/audit.ts';
import type { Call, GuardContext } from './context.ts';
import { confirm } from './guard/confirm.ts';
import { readAskState } from './guard/elicitation.ts';
import type { PlannedRequest } from './guard/planner.ts';
import { approvesInPages } from './guard/trusted-channels.ts';
import { progressOf } from './progress.ts';
import { inputSchema, listedSchemas, type OutputShape, readArguments, shallowSchema } from './tool-schema.ts';
import { withWhereToLook } from './where-to-look.ts';

export const operations = ['read', 'write', 'destructive'] as const;
export type Operation = (typeof operations)[number];
type Undo = Partial<Record<Provider['kind'], string>>;

interface ToolDefinition<I extends z.ZodObject, E> {
  name: string;
  /** The one word from which registration, annotations, read-only mode, confirmation and audit derive. */
  operation: Operation;
  /** What the provider must be able to do; elsewhere the tool does not exist. */
  needs?: keyof Capabilities;
  title: string;
  description: string;
  /** What is true with one kind of provider alone: said behind the description there, and nowhere else. */
  descriptionOf?: Partial<Record<Provider['kind'], string>>;
  /** Arguments that only a daemon understands, or only the cloud: elsewhere they do not exist. */
  daemonOnly?: readonly (keyof I['shape'] & string)[];
  cloudOnly?: readonly (keyof I['shape'] & string)[];
  /** Arguments that take fewer values with one kind of provider. */
  inputOf?: Partial<Record<Provider['kind'], { [K in keyof I['shape']]?: z.ZodType<z.output<I['shape'][K]>> }>>;
  /** Always a `z.strictObject`: an argument that does not exist is refused by name, never dropped. */
  input: I;
  /** Members of the structured answer that later calls need, none required: an error answers in the same shape. */
  output: OutputShape;
  /** Whether a repeated call changes nothing more. */
  idempotent?: boolean;
  /** The page that shows its answers, in clients that show pages. */
  page?: PageName;
  /** Only pages may call it: for a client without any it does not exist. */
  forPages?: true;
  /** Turns forgiving arguments (a name, `latest`) into exact ids, so that what is approved is what is done. */
  exact?: (args: z.output<I>, call: Call) => Promise<E>;
  /**
   * The request that a person has to approve first; undefined when these arguments take nothing away.
   * A destructive tool must have one; a write tool may.
   */
  effect?: (exact: E, call: Call) => Promise<PlannedRequest | undefined>;
  /** What a person approves here is where data go: nothing is taken away, so no host is told that it destroys. */
  takesNothing?: boolean;
  /** How what a person approved is taken back: of each tool that takes something away. */
  undo?: Undo;
  run(exact: E, call: Call): Promise<ToolAnswer>;
}

export interface Tool {
  name: string;
  operation: Operation;
  needs: keyof Capabilities | undefined;
  /** When a person is asked first, in words, or `never`. */
  asks: string;
  undo: Undo | undefined;
  /** Returns what a client is told of it that shows pages. */
  register(server: McpServer, context: GuardContext): () => ListedTool;
}

/**
 * One tool. Everything around `run` happens here, once for all tools: arguments are checked, ids resolved, a person asked,
 * errors worded and redacted, the answer cleaned, the change audited.
 */
export function defineTool<I extends z.ZodObject, E = z.output<I>>(tool: ToolDefinition<I, E>): Tool {
  const { name, operation } = tool;
  if (operation === 'destructive' && tool.effect === undefined)
    throw new Error(`${name} is destructive without an effect`);
  return {
    name,
    operation,
    needs: tool.needs,
    asks: asksOf(tool),
    undo: tool.undo,
    register(server, context) {
      const guarded = tool.effect !== undefined;
      const { kind } = context.api.provider;
      const absent = kind === 'daemon' ? tool.cloudOnly : tool.daemonOnly;
      const own = without(z.strictObject({ ...tool.input.shape, ...tool.inputOf?.[kind] }), absent);
      const input = guarded && context.settings.confirm === 'host' ? own.extend(planArgument) : own;
      const more = tool.descriptionOf?.[kind];
      const shown = {
        title: tool.title,
        description: more === undefined ? tool.description : `${tool.description} ${more}`,
        annotations: annotationsOf(tool),
      };
      const schemas = {
        inputSchema: inputSchema(input),
        outputSchema: shallowSchema({ ...tool.output, ...(guarded ? planOutput : {}), ...commonOutput }),
      };
      server.registerTool(name, { ...shown, ...schemas }, async (raw: unknown, ctx) => {
        // As if it were not there: the library would word an unknown tool so.
        if (tool.forPages && !showsApps(ctx, server)) throw new Error(`Tool ${name} not found`);
        const call = () => carryOut(tool, input, raw, ctx, server, context);
        const result = await claimedClient.run(clientName(ctx, server), call);
        // Also after a failure: what was cut off may have been carried out.
        if (operation !== 'read') context.watch?.changed();
        return result;
      });
      const _meta = pageMeta(tool, guarded && approvesInPages(context.settings));
      return () => ({ name, ...shown, ...listedSchemas(schemas), ...(_meta && { _meta }) });
    },
  };
}

/** How hosts with pages know which one shows an answer, and which tools are no model's business. */
function pageMeta(
  { page, forPages }: { page?: PageName; forPages?: true },
  planned: boolean,
): Record<string, unknown> | undefined {
  if (forPages) return { ui: { visibility: ['app'] } };
  const shown = page ?? (planned ? 'plan' : undefined);
  // Older hosts read the flat name.
  return shown && { ui: { resourceUri: pageUri(shown) }, 'ui/resourceUri': pageUri(shown) };
}

function without(input: z.ZodObject, names: readonly string[] = []): z.ZodObject {
  if (names.length === 0) return input;
  return z.strictObject(Object.fromEntries(Object.entries(input.shape).filter(([name]) => !names.includes(name))));
}

/** Only where the host's own prompt stands for the person (`SKYBACKUP_CONFIRM=host`) does this argument exist. */
const planArgument = { plan: z.string().max(100).optional().describe('Token of the plan the person agreed to') };
const planOutput: OutputShape = { status: 'string', plan: 'object' };
const commonOutput: OutputShape = { warnings: 'array', next: 'string' };

function annotationsOf(
  tool: Pick<ToolDefinition<z.ZodObject, never>, 'operation' | 'idempotent' | 'takesNothing'> & { effect?: unknown },
): ToolAnnotations {
  if (tool.operation === 'read') return { readOnlyHint: true, openWorldHint: false };
  return {
    readOnlyHint: false,
    destructiveHint: tool.operation === 'destructive' || (tool.effect !== undefined && !tool.takesNothing),
    idempotentHint: tool.idempotent ?? false,
    openWorldHint: false,
  };
}

/** Who knows a plan's token may carry it out in `host` mode, who knows its nonce say yes in a page: neither is written down. */
function withoutToken(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  return Object.fromEntries(Object.entries(raw).filter(([name]) => name !== 'plan' && name !== 'nonce'));
}

function asksOf({
  effect,
  operation,
  takesNothing,
}: Pick<ToolDefinition<z.ZodObject, never>, 'operation' | 'takesNothing'> & { effect?: unknown }): string {
  if (effect === undefined) return 'never';
  if (operation === 'destructive') return 'whenever it replaces or ends something';
  return takesNothing ? 'when backups go to a storage that is new to the service' : 'when less is protected afterwards';
}

async function carryOut<I extends z.ZodObject, E>(
  tool: ToolDefinition<I, E>,
  input: z.ZodObject,
  raw: unknown,
  ctx: ServerContext,
  server: McpServer,
  context: GuardContext,
): Promise<CallToolResult | InputRequiredResult> {
  const { api, settings } = context;
  const { signal } = ctx.mcpReq;
  const now = new Date((tool.effect && readAskState(ctx)?.asked) ?? Date.now());
  const call: Call = { api, settings, signal, now, progress: progressOf(ctx), planId: undefined };
  const client = clientName(ctx, server);
  const record =
    tool.operation === 'read' ? undefined : audit(settings.home.mcpAudit, tool.name, client, context.principal);
  let exact: E | undefined;
  try {
    record?.about(withoutToken(raw));
    const { plan: token, ...rest } = readArguments(tool.name, input, raw);
    // The host's plan token is ours, not the tool's; `input` is the tool's own schema plus at most that.
    const args = (token === undefined ? { ...rest } : rest) as z.output<I>;
    const known = tool.exact ? await tool.exact(args, call) : (args as unknown as E);
    exact = known;
    record?.about(withoutToken(known));
    const request = await tool.effect?.(known, call);
    if (request === undefined) return toResult(await tool.run(known, call), record);

    const decision = await confirm(request, {
      ctx,
      server,
      context,
      call,
      tool: tool.name,
      token: token as string | undefined,
      onCancelled: (plan) => record?.plan(plan, 'cancelled'),
    });
    record?.plan(decision.plan, decision.outcome);
    if (decision.outcome !== 'approved') return decision.result;
    const answer = await context.planner.carryOut(decision.plan, request, call.signal, (planId) =>
      tool.run(known, { ...call, planId }),
    );
    return toResult(answer, record);
  } catch (error) {
    // A cancelled call throws whatever reason the client gave, words included.
    const thrown = call.signal.aborted
      ? new SkybackupError('cancelled', 'The call was cancelled.', { cause: error })
      : error;
    return answerError(withWhereToLook(thrown, tool.name, exact), api.provider, record);
  }
}
