import { CLIENT_INFO_META_KEY, type McpServer, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { SkybackupError } from '../../contract/errors.ts';
import type { Plan } from '../../contract/plans.ts';
import { outwardData, outwardText } from '../outward.ts';
import { appendLine } from './audit-file.ts';

const ClientInfo = z.looseObject({ name: z.string(), version: z.string().optional() });

/** How the asking program calls itself: a claim, shown as one. */
export function clientName(ctx: ServerContext, server: McpServer): string {
  const envelope: Record<string, unknown> | undefined = ctx.mcpReq.envelope;
  const info = ClientInfo.safeParse(envelope?.[CLIENT_INFO_META_KEY] ?? server.server.getClientVersion());
  return info.success ? outwardText(`${info.data.name} ${info.data.version ?? ''}`, 80) : 'unknown client';
}

export interface AuditRecord {
  /** What was asked: the arguments as they came, then the exact ones that they mean. */
  about(args: unknown): void;
  plan(plan: Plan, outcome: string): void;
  done(data: Record<string, unknown>): void;
  failed(error: SkybackupError): void;
}

/** Longest value and longest line: a name of a megabyte must not fill the disk. */
const maxText = 300;
const maxLine = 8000;

/**
 * One line in the audit file for every call that may change something, whatever became of it. It is this server's own account
 * of what it was asked; what was done is in the provider's. A file that cannot be written must not stop the call: then the line
 * goes to stderr.
 */
export function audit(file: string, tool: string, client: string, principal?: string): AuditRecord {
  const entry: Record<string, unknown> = { tool, claimed_client: client, ...(principal && { principal }) };
  const started = Date.now();
  const write = (outcome: string, more: Record<string, unknown> = {}): void => {
    const line = lineOf({ time: new Date().toISOString(), ...entry, outcome, ms: Date.now() - started, ...more });
    try {
      appendLine(file, line);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      process.stderr.write(
        `${outwardText(`skybackup: the audit cannot be written (${reason}): what follows stands nowhere else`, 500)}\n${line}\n`,
      );
    }
  };
  return {
    about(args) {
      entry.arguments = args;
    },
    plan({ code, approved_by, facts }, outcome) {
      entry.plan = code;
      entry.channel = approved_by;
      entry.target = facts.service_id;
      if (outcome !== 'approved') write(outcome);
    },
    done: ({ id, service_id }) => write('done', { result: id, target: entry.target ?? service_id }),
    failed: ({ code, message }) => write('failed', { code, message }),
  };
}

function lineOf({ arguments: args, ...rest }: Record<string, unknown>): string {
  const data = outwardData(rest, maxText);
  const line = JSON.stringify({ ...data, ...outwardData({ arguments: args }, maxText) });
  if (line.length <= maxLine) return line;
  const beginning = outwardText(JSON.stringify(outwardData({ arguments: args }, maxText)), maxLine / 4);
  return JSON.stringify({ ...data, arguments_cut: beginning });
}
