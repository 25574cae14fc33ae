import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { redact } from '../../contract/redact.ts';
import { optional, type PageRequest, pageBounds, type RowPage, time } from './rows.ts';

export interface AuditRecord {
  /** Who: `socket`, `agent-socket`, `key:<id>` or `daemon`. */
  principal: string;
  action: string;
  /** What it was done to: a service, schedule, plan or key id. */
  target: string;
  outcome: 'done' | 'refused' | 'failed';
  detail: Record<string, unknown>;
  trace_id?: string | undefined;
}

const AuditRow = z.object({
  id: z.number(),
  at: time,
  principal: z.string(),
  action: z.string(),
  target: z.string(),
  outcome: z.enum(['done', 'refused', 'failed']),
  detail: z.string().transform((text) => z.record(z.string(), z.unknown()).parse(JSON.parse(text))),
  trace_id: optional(z.string()),
});
type AuditRow = z.infer<typeof AuditRow>;

/** Who changed what. Append-only: the database itself refuses changes and deletions. */
export function auditTable(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    'INSERT INTO audit (at, principal, action, target, outcome, detail, trace_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const countSince = db.prepare('SELECT count(*) AS count FROM audit WHERE at >= ?');
  return {
    add(entry: AuditRecord): void {
      const { principal, action, target, outcome, detail, trace_id } = entry;
      insert.run(now(), principal, action, target, outcome, redact(JSON.stringify(detail)), trace_id ?? null);
    },
    list({ since, ...query }: PageRequest & { since?: Date | undefined }): RowPage<AuditRow> {
      const { limit, offset, direction } = pageBounds(query);
      const from = since?.getTime() ?? 0;
      const count = Number(countSince.get(from)?.count ?? 0);
      const items = db
        .prepare(`SELECT * FROM audit WHERE at >= ? ORDER BY id ${direction} LIMIT ? OFFSET ?`)
        .all(from, limit, offset)
        .map((row) => AuditRow.parse(row));
      return { items, count, pages: Math.ceil(count / limit) };
    },
  };
}
