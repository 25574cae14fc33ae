import { CLIENT_INFO_META_KEY, type McpServer, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { SkybackupError } from '../contract/errors.ts';
import type { Plan } from '../contract/plans.ts';
import { outwardData } from './outward.ts';
import { cleanText } from './untrusted-text.ts';

const ClientInfo = z.looseObject({ name: z.string(), version: z.string().optional() });

/** How the asking program calls itself: a claim, shown as one. */
export function clientName(ctx: ServerContext, server: McpServer): string {
  const envelope: Record<string, unknown> | undefined = ctx.mcpReq.envelope;
  const info = ClientInfo.safeParse(envelope?.[CLIENT_INFO_META_KEY] ?? server.server.getClientVersion());
  return info.success ? cleanText(`${info.data.name} ${info.data.version ?? ''}`, 80) : 'unknown client';
}

export interface AuditRecord {
  about(exact: unknown): void;
  plan(plan: Plan, outcome: string): void;
  done(data: Record<string, unknown>): void;
  failed(error: SkybackupError): void;
}

/** One structured line on stderr for every call that may change something, whatever became of it. */
export function audit(tool: string, ctx: ServerContext, server: McpServer): AuditRecord {
  const entry: Record<string, unknown> = { audit: tool, client: clientName(ctx, server) };
  const started = Date.now();
  const write = (outcome: string, more: Record<string, unknown> = {}): void => {
    const line = { time: new Date().toISOString(), ...entry, outcome, ms: Date.now() - started, ...more };
    process.stderr.write(`${JSON.stringify(outwardData(line, 300))}\n`);
  };
  return {
    about(exact) {
      entry.arguments = exact;
    },
    plan({ code, approved_by, facts }, outcome) {
      entry.plan = code;
      entry.approved_by = approved_by;
      entry.target = facts.service_id;
      if (outcome !== 'approved') write(outcome);
    },
    done: ({ id, service_id }) => write('done', { result: id, service_id }),
    failed: ({ code, message }) => write('failed', { code, message }),
  };
}
