import type { BackupApi } from '../../client/backup-api.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { RecoveryWindow } from '../../contract/restores.ts';
import type { Health, ServiceHealth } from '../../contract/service-health.ts';

/** What covers a service: how well it is, and the spans of time that it can go back to. */
export interface Coverage {
  health: ServiceHealth;
  windows: { from: string | undefined; to: string | undefined }[];
}

/** Of one service, or of all, worst first. */
export async function coverageOf(
  api: BackupApi,
  serviceId: string | undefined,
  signal: AbortSignal,
): Promise<Coverage[]> {
  const [health, windows] = await Promise.all([api.getHealth(serviceId, { signal }), windowsOf(api, signal)]);
  return worstFirst(health).map((each) => ({
    health: each,
    windows: windows
      .filter(({ service_id }) => service_id === each.service_id)
      .map(({ start_time, end_time }) => ({ from: start_time, to: end_time })),
  }));
}

function worstFirst({ services }: Health): ServiceHealth[] {
  const order = { critical: 0, warning: 1, ok: 2 } as const;
  return [...services].sort((a, b) => order[a.verdict] - order[b.verdict]);
}

/** None where the provider does not tell: the rest is worth showing all the same. */
async function windowsOf(api: BackupApi, signal: AbortSignal): Promise<RecoveryWindow[]> {
  return api.lookupRecoveryWindows({ signal }).catch((error: unknown) => {
    if (error instanceof SkybackupError && error.code !== 'cancelled') return [];
    throw error;
  });
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
