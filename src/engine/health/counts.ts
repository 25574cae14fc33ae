import type { EngineContext } from '../engine-context.ts';
import type { DiskSpace } from './disk-space.ts';

/** What monitoring counts besides how well services are covered. */
export async function counts({ state, storages }: Pick<EngineContext, 'state' | 'storages'>, diskSpace: DiskSpace) {
  const [keptBytes, freeBytes] = await Promise.all([diskSpace.keptBytes(), storages.freeBytes()]);
  const running = Map.groupBy(state.jobs.active(), ({ kind }) => kind);
  return {
    keptBytes,
    freeBytes,
    storages: storages.names().map((name) => ({ name, answers: storages.isInReach(name) })),
    failedJobs: state.coverage.failedJobs(),
    runningJobs: [...running].map(([kind, jobs]) => ({ kind, count: jobs.length })),
  };
}
