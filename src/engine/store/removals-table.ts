import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { optional, time } from './rows.ts';

const Removal = z.object({
  backup_id: z.string(),
  service_id: z.string(),
  storage: z.string(),
  /** Until then the storage keeps the files, whoever asks. */
  not_before: optional(time),
});
export type Removal = z.infer<typeof Removal>;

/** Backups that are on no list any more, and of which files may be left. */
export function removalsTable(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    'INSERT INTO removals (backup_id, service_id, storage, decided_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const remove = db.prepare('DELETE FROM removals WHERE backup_id = ?');
  const one = db.prepare('SELECT storage FROM removals WHERE backup_id = ?');
  const all = db.prepare('SELECT * FROM removals ORDER BY decided_at, backup_id');
  const wait = db.prepare('UPDATE removals SET not_before = ? WHERE backup_id = ?');
  return {
    add: ({ backup_id, service_id, storage }: Omit<Removal, 'not_before'>): void =>
      void insert.run(backup_id, service_id, storage, now()),
    waitUntil: (backupId: string, moment: Date): void => void wait.run(moment.getTime(), backupId),
    has: (backupId: string): boolean => one.get(backupId) !== undefined,
    storageOf(backupId: string): string | undefined {
      const row = one.get(backupId);
      return row && z.object({ storage: z.string() }).parse(row).storage;
    },
    done: (backupId: string): void => void remove.run(backupId),
    list: (): Removal[] => all.all().map((row) => Removal.parse(row)),
  };
}
