import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

const Removal = z.object({ backup_id: z.string(), service_id: z.string(), storage: z.string() });
export type Removal = z.infer<typeof Removal>;

/** Backups that are on no list any more, and of which files may be left. */
export function removalsTable(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    'INSERT INTO removals (backup_id, service_id, storage, decided_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const remove = db.prepare('DELETE FROM removals WHERE backup_id = ?');
  const one = db.prepare('SELECT storage FROM removals WHERE backup_id = ?');
  const all = db.prepare('SELECT backup_id, service_id, storage FROM removals ORDER BY decided_at, backup_id');
  return {
    add: ({ backup_id, service_id, storage }: Removal): void => void insert.run(backup_id, service_id, storage, now()),
    has: (backupId: string): boolean => one.get(backupId) !== undefined,
    storageOf(backupId: string): string | undefined {
      const row = one.get(backupId);
      return row && z.object({ storage: z.string() }).parse(row).storage;
    },
    done: (backupId: string): void => void remove.run(backupId),
    list: (): Removal[] => all.all().map((row) => Removal.parse(row)),
  };
}
