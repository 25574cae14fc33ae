import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--parallel', '3'] });
  orders = await managedScene(daemon, 'orders');
});
afterAll(() => daemon.dispose());

const commandOf = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
};

it.each(['full', 'incremental'] as const)(
  'a %s backup reads as many files at once as the daemon was told',
  async (type) => {
    if (type === 'incremental') await takeBackup(daemon, 'orders');
    // Held up, so that it can be looked at.
    const blocker = orders.sql('LOCK TABLES shop.legacy WRITE; SELECT SLEEP(600);').catch(() => undefined);
    const sleeping = `information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND state = 'User sleep'`;
    await expect.poll(() => orders.sql(`SELECT COUNT(*) FROM ${sleeping}`)).toBe('1');
    const { job_id } = await daemon.api.createSchedule({ backup_type: type, schedule: 'once', service_id: 'orders' });
    const backups = () =>
      daemon
        .processes()
        .map(commandOf)
        .filter((command) => command.includes('--backup'));
    await expect.poll(backups, { timeout: 20_000 }).toHaveLength(1);
    expect(backups()[0]).toContain('--parallel=3');
    await orders.sql(await orders.sql(`SELECT CONCAT('KILL ', id) FROM ${sleeping}`));
    await blocker;
    expect(await daemon.ended(job_id ?? 0)).toMatchObject({ status: 'Succeeded' });
  },
);
