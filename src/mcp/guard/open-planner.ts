import type { BackupApi } from '../../client/backup-api.ts';
import type { Settings } from '../../client/settings.ts';
import { cloudPlanner } from './cloud-planner.ts';
import { daemonPlanner } from './daemon-planner.ts';
import type { Planner } from './planner.ts';

/** Where the provider's plans live. */
export function openPlanner(api: BackupApi, settings: Settings): Planner {
  return api.daemon === undefined ? cloudPlanner(api, settings.home.cloudPlans) : daemonPlanner(api.daemon);
}
