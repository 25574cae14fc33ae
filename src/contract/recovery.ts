import { z } from 'zod';

/** Which transactions of a service's binary logs, archived or not; the newest hour unless told. The daemon's own. */
export const TransactionsQuery = z.strictObject({
  /** Moments, as `point_in_time`. */
  from: z.string().max(40).optional(),
  to: z.string().max(40).optional(),
  /** Only those in whose statements or table names this stands, in whatever case: `drop table`. */
  contains: z.string().min(1).max(200).optional(),
  limit: z.coerce.number().int().min(1).max(500).optional(),
});
export type TransactionsQuery = z.infer<typeof TransactionsQuery>;

const ChangedRows = z.looseObject({
  table: z.string(),
  inserted: z.number(),
  updated: z.number(),
  deleted: z.number(),
});
export type ChangedRows = z.infer<typeof ChangedRows>;

/** A transaction of a binary log. Its words come from whoever wrote it. */
export const FoundTransaction = z.looseObject({
  gtid: z.string(),
  /** When it was committed, RFC 3339: as the log tells it, and never before one that comes earlier in the log. */
  time: z.string(),
  /** `definition` changes tables, users or code, `rows` data. */
  kind: z.enum(['definition', 'rows', 'other']),
  /** Its statements, without the values in them; the first few. */
  statements: z.array(z.string()),
  tables: z.array(z.string()),
  /** How many rows of its tables it changed. A table is absent where statements were logged, which do not tell. */
  rows: z.array(ChangedRows).optional(),
  bytes: z.number(),
  /** Only its server has it yet. A restore archives it first. */
  not_archived_yet: z.boolean().optional(),
});
export type FoundTransaction = z.infer<typeof FoundTransaction>;

/** In the order of the log. */
export const FoundTransactions = z.looseObject({
  service_id: z.string(),
  from: z.string(),
  to: z.string(),
  /** What was written after this moment is not archived yet. Absent where nothing is. */
  archived_to: z.string().optional(),
  /** Why what is not archived yet could not be looked at: then only the archive is told. */
  not_looked_at: z.string().optional(),
  transactions: z.array(FoundTransaction),
  /** There are more: in a narrower span all are told. */
  more: z.boolean(),
});
export type FoundTransactions = z.infer<typeof FoundTransactions>;
