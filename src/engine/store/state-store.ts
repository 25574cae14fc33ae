import { z } from 'zod';
import { openPlanStore } from '../../plans/sqlite-plan-store.ts';
import { archivedLogs } from './archived-logs.ts';
import { auditTable } from './audit-table.ts';
import { backupsIndex } from './backups-index.ts';
import { containedTables } from './contained-tables.ts';
import { coverageQueries } from './coverage-queries.ts';
import { jobsTable } from './jobs-table.ts';
import { keysTable } from './keys-table.ts';
import { ratesTable } from './rates-table.ts';
import { removalsTable } from './removals-table.ts';
import { restoresTable } from './restores-table.ts';
import { retentionTable } from './retention-table.ts';
import { schedulesTable } from './schedules-table.ts';
import { servicesTable } from './services-table.ts';
import { inTransaction, openStateDatabase } from './state-database.ts';
import { verificationsTable } from './verifications-table.ts';

/** Everything the daemon remembers. The engine sees only this, so that a store for several machines can take its place. */
export type StateStore = ReturnType<typeof openState>;

export function openState(file: string, now: () => number = Date.now) {
  const db = openStateDatabase(file);
  const instance = z
    .object({ value: z.string() })
    .parse(db.prepare("SELECT value FROM meta WHERE name = 'instance'").get()).value;
  const reconciled = db.prepare("SELECT 1 AS yes FROM meta WHERE name = 'reconciled'");
  const setReconciled = db.prepare(
    "INSERT INTO meta (name, value) VALUES ('reconciled', 'yes') ON CONFLICT DO NOTHING",
  );
  const clearReconciled = db.prepare("DELETE FROM meta WHERE name = 'reconciled'");
  return {
    /** Made with the state and kept with it: plans are bound to it. */
    instance,
    /** Whether the index of backups was ever compared with the whole repository. */
    isReconciled: (): boolean => reconciled.get() !== undefined,
    setReconciled: (yes = true): void => void (yes ? setReconciled : clearReconciled).run(),
    services: servicesTable(db),
    schedules: schedulesTable(db, now),
    jobs: jobsTable(db, now),
    backups: backupsIndex(db, now),
    archivedLogs: archivedLogs(db),
    tables: containedTables(db),
    coverage: coverageQueries(db),
    restores: restoresTable(db, now),
    rates: ratesTable(db),
    verifications: verificationsTable(db, now),
    retention: retentionTable(db, now),
    removals: removalsTable(db, now),
    keys: keysTable(db, now),
    audit: auditTable(db, now),
    plans: openPlanStore(db, { now }),
    /** All of `work`'s changes, or none. */
    transaction: <T>(work: () => T): T => inTransaction(db, work),
    close: (): void => db.close(),
  };
}
