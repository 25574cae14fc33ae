import type { DatabaseSync } from 'node:sqlite';
import { redact } from '../../contract/redact.ts';

export interface AuditEntry {
  /** Who: `socket` or `key:<id>`. */
  principal: string;
  action: string;
  /** What it was done to: a service, schedule, plan or key id. */
  target: string;
  outcome: 'done' | 'refused';
  detail: Record<string, unknown>;
  trace_id?: string | undefined;
}

/** Who changed what. Append-only: the database itself refuses changes and deletions. */
export function auditTable(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    'INSERT INTO audit (at, principal, action, target, outcome, detail, trace_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  return {
    add(entry: AuditEntry): void {
      const { principal, action, target, outcome, detail, trace_id } = entry;
      insert.run(now(), principal, action, target, outcome, redact(JSON.stringify(detail)), trace_id ?? null);
    },
  };
}
