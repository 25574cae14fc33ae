import type { BackupApi } from '../../client/backup-api.ts';
import type { RecoveryWindow } from '../../contract/restores.ts';
import type { ServiceHealth } from '../../contract/service-health.ts';
import { worstFirst } from '../../contract/verdict.ts';
import { knownWindows } from '../find/recovery-windows.ts';

/** What covers a service: how well it is, and the spans of time that it can go back to. */
export interface Coverage {
  health: ServiceHealth;
  windows: RecoveryWindow[];
}

/** Of one service, or of all, worst first. */
export async function coverageOf(
  api: BackupApi,
  serviceId: string | undefined,
  signal: AbortSignal,
): Promise<Coverage[]> {
  const [health, windows] = await Promise.all([api.getHealth(serviceId, { signal }), knownWindows(api, signal)]);
  return worstFirst(health.services).map((each) => ({
    health: each,
    windows: windows.filter(({ service_id }) => service_id === each.service_id),
  }));
}

/** The next run of each schedule that runs, soonest first. Loaded when needed: reading cron costs time at the start. */
export async function nextRunsOf({ schedules }: ServiceHealth): Promise<{ type: string; at: Date }[]> {
  const { checkCron, nextRuns } = await import('../../contract/cron.ts');
  const runs = schedules.flatMap(({ type, schedule, suspended }) => {
    if (suspended) return [];
    try {
      const [at] = nextRuns(checkCron(schedule), new Date(), 1);
      return at === undefined ? [] : [{ type, at }];
    } catch {
      // A schedule that cannot be read is a reason of the verdict already.
      return [];
    }
  });
  return runs.sort((a, b) => a.at.getTime() - b.at.getTime());
}
