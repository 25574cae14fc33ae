import { z } from 'zod';
import { PageQuery } from './pages.ts';

export const AuditQuery = PageQuery.extend({
  /** RFC 3339: nothing before it. */
  since: z.iso.datetime({ offset: true }).optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

/** Who changed what at a daemon, or was refused it. */
export const AuditEntry = z.looseObject({
  id: z.number().int(),
  at: z.string(),
  /** Proven: `socket`, `agent-socket`, `key:<id>`, or the `daemon` itself. */
  principal: z.string(),
  action: z.string(),
  /** The id or ids it was done to. */
  target: z.string(),
  outcome: z.enum(['done', 'refused', 'failed']),
  /** What was asked, the plan it carried out and the channel of its yes, the client as it calls itself; never secrets. */
  detail: z.record(z.string(), z.unknown()),
  trace_id: z.string().optional(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditPage = z.looseObject({
  entries: z.array(AuditEntry),
  entries_count: z.number().optional(),
  pages_count: z.number().optional(),
});
