import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SkybackupError } from '../../contract/errors.ts';
import { migrations } from './migrations.ts';

const patienceMs = 10_000;
/** SQLITE_BUSY */
const busy = 5;

/** Opens the daemon's state, bringing an older schema up to date; a newer one is refused, because going back would lose what it knows. */
export function openStateDatabase(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made by us first: SQLite would create it readable for all, and its -wal and -shm take the mode of the main file.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const db = new DatabaseSync(file, { timeout: patienceMs });
  try {
    writeAhead(db);
    // FULL: a job that was answered for must still be known after a power cut.
    db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    migrate(db, file);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/**
 * SQLite waits for no lock when it changes this mode. Of daemons that start at once the losers hold a new file for a moment, to
 * learn whose the home is, and the winner must not end for it.
 */
function writeAhead(db: DatabaseSync): void {
  for (const until = performance.now() + patienceMs; ; ) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      const { errcode } = error as { errcode?: number };
      if (errcode !== busy || performance.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

/** Runs `work` in one transaction; what it throws rolls everything back. Nested calls join the outer transaction. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  if (db.isTransaction) return work();
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has rolled back by itself already.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function migrate(db: DatabaseSync, file: string): void {
  inTransaction(db, () => {
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
    if (version > migrations.length) {
      throw new SkybackupError(
        'version_skew',
        `The state in ${file} was written by a newer skybackup (schema ${version}; this one knows ${migrations.length}).`,
        { hint: 'Run the newer skybackup, or point SKYBACKUP_HOME at another folder.' },
      );
    }
    for (const [index, sql] of migrations.entries()) if (index >= version) db.exec(sql);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.prepare("INSERT INTO meta (name, value) VALUES ('instance', ?), ('fence', '0') ON CONFLICT DO NOTHING").run(
      randomUUID(),
    );
  });
}
