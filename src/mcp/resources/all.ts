import { backups, serviceBackups } from './backups.ts';
import type { Resource } from './define-resource.ts';
import { policy } from './policy.ts';
import { recoveryWindows } from './recovery-windows.ts';
import { restores } from './restores.ts';
import { schedules } from './schedules.ts';
import { services } from './services.ts';
import { storages } from './storages.ts';

/** In the order in which a client shows them. */
export const allResources: readonly Resource[] = [
  services,
  backups,
  serviceBackups,
  schedules,
  restores,
  recoveryWindows,
  storages,
  policy,
];

export function resourceOf(uri: string): Resource | undefined {
  return allResources.find((resource) => resource.has(uri));
}
