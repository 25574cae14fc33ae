import type { CloudBackup, CloudState } from '../doubles/cloud-state.ts';

const hour = 3_600_000;
export const orders = 'dbtgf28044362';

/** A backup of `orders`, `hoursAgo` before now. */
export function backupOf(index: number, hoursAgo: number, type: string, more: Partial<CloudBackup> = {}): CloudBackup {
  const at = new Date(Date.now() - hoursAgo * hour).toISOString().slice(0, 19);
  return {
    id: `${index.toString(16).padStart(32, '0')}:${orders}:orders-0`,
    service_id: orders,
    type,
    method: 'skybucket',
    server_pod: 'orders-0',
    bytes: type === 'full' ? 4_200_000_000 : type === 'incremental' ? 180_000_000 : 16_000_000,
    reference_full_backup: '',
    point_in_time: at.replace('T', ' '),
    start_time: `${at}Z`,
    end_time: `${at}Z`,
    status: 'Succeeded',
    external: false,
    ...more,
  };
}

/** Days of nightly fulls with increments between them, dumps, snapshots and logs; some fail. Newest first. */
export function seedDays(state: CloudState, days: number): void {
  const made: CloudBackup[] = [];
  let index = 1;
  for (let day = days; day > 0; day -= 1) {
    const failed = day % 5 === 2;
    const full = backupOf(
      index++,
      day * 24,
      'full',
      failed ? { status: 'Failed', bytes: 0 } : { bytes: 4e9 + day * 2e8 },
    );
    made.push(full);
    for (const later of failed ? [] : [3, 6, 9, 12, 15, 18, 21]) {
      made.push(
        backupOf(index++, day * 24 - later, 'incremental', { reference_full_backup: full.id, bytes: later * 2e7 }),
      );
    }
    if (day % 3 === 0) made.push(backupOf(index++, day * 24 - 1, 'dump', { bytes: 9e8 }));
    if (day % 7 === 0) made.push(backupOf(index++, day * 24 - 2, 'snapshot', { bytes: 5e9 }));
    for (const later of [2, 10, 18]) made.push(backupOf(index++, day * 24 - later, 'binarylog'));
  }
  state.backups.push(...made);
  state.backups.sort((a, b) => b.start_time.localeCompare(a.start_time));
  const start = new Date(Date.now() - Math.min(days, 6) * 24 * hour).toISOString();
  state.windows.splice(0, state.windows.length, {
    service_id: orders,
    start_time: `${start.slice(0, 19)}Z`,
    end_time: `${new Date().toISOString().slice(0, 19)}Z`,
  });
}
