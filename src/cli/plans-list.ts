import type { BackupApi } from '../client/backup-api.ts';
import type { Settings } from '../client/settings.ts';
import type { Plan } from '../contract/plans.ts';
import { timeInWords } from '../mcp/sizes-and-times.ts';
import { table } from './table.ts';
import { exitCodes, type Terminal } from './terminal.ts';
import { withApi } from './with-api.ts';

/** Plans that wait for a person, and what became of the others. */
export function listPlans(terminal: Terminal): Promise<number> {
  return withApi(terminal, async (api, settings) => {
    const plans = await allPlans(api, settings);
    const rows = plans.map((plan) => [plan.code, plan.status, timeInWords(plan.expires_at), plan.facts.title]);
    terminal.result(
      { plans },
      plans.length === 0 ? 'No plans.' : table(['CODE', 'STATUS', 'VALID UNTIL', 'WHAT'], rows),
    );
    return exitCodes.done;
  });
}

async function allPlans(api: BackupApi, { home }: Settings): Promise<Plan[]> {
  if (api.daemon) return api.daemon.listPlans();
  const { existsSync } = await import('node:fs');
  if (!existsSync(home.cloudPlans)) return [];
  const { openPlanStore } = await import('../plans/sqlite-plan-store.ts');
  const store = openPlanStore(home.cloudPlans);
  try {
    return store.list();
  } finally {
    store.close();
  }
}
