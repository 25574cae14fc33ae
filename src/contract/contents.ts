import { z } from 'zod';
import { PageQuery } from './pages.ts';

const name = z.string().min(1).max(64);

/** Names are those of one schema or one table, whatever the case of their letters. */
export const ContentsQuery = PageQuery.omit({ order: true }).extend({
  schema: name.optional(),
  table: name.optional(),
});
export type ContentsQuery = z.infer<typeof ContentsQuery>;

const ContainedTable = z.looseObject({
  schema: z.string(),
  name: z.string(),
  engine: z.string().optional(),
  /** As the server told them when the backup was taken: InnoDB estimates its rows. Bytes of data and indexes. */
  rows: z.number().optional(),
  bytes: z.number().optional(),
});
export type ContainedTable = z.infer<typeof ContainedTable>;

/** What a backup holds, by its manifest: none of its data is read. */
export const BackupContents = z.looseObject({
  backup_id: z.string(),
  service_id: z.string(),
  type: z.string(),
  /** The moment the data is of, RFC 3339. */
  point_in_time: z.string(),
  server_version: z.string(),
  /** Every schema, whatever was asked for, with what its tables come to. */
  schemas: z.array(z.looseObject({ schema: z.string(), tables: z.number(), rows: z.number(), bytes: z.number() })),
  /** Those asked for, the largest first. */
  tables: z.array(ContainedTable),
  tables_count: z.number(),
  pages_count: z.number(),
  /** Of binary logs: which, how large, how many transactions, and from when to when. */
  logs: z
    .array(
      z.looseObject({
        name: z.string(),
        bytes: z.number(),
        transactions: z.number(),
        first_event_at: z.string().optional(),
        last_event_at: z.string().optional(),
      }),
    )
    .optional(),
});
export type BackupContents = z.infer<typeof BackupContents>;
