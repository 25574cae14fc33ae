import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

const Speed = z.object({ per_second: z.number() });

/** How much of what was measured before still counts beside a new measurement: machines and disks change. */
const remembered = 0.7;

/** How fast restores and verifications went on this machine, one row for each kind of work. Large ones weigh more. */
export function ratesTable(db: DatabaseSync) {
  const add = db.prepare(
    `INSERT INTO rates (work, bytes, seconds) VALUES (?1, ?2, ?3)
     ON CONFLICT DO UPDATE SET bytes = bytes * ${remembered} + ?2, seconds = seconds * ${remembered} + ?3`,
  );
  const one = db.prepare('SELECT bytes / seconds AS per_second FROM rates WHERE work = ?');
  return {
    add: (work: string, bytes: number, seconds: number): void => void add.run(work, bytes, seconds),
    /** Bytes a second; undefined for what was never measured. */
    of(work: string): number | undefined {
      const row = one.get(work);
      return row && Speed.parse(row).per_second;
    },
  };
}
