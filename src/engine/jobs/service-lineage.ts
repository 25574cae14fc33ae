import { randomUUID } from 'node:crypto';
import { localStorage } from '../../contract/default-storage.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { noIncremental } from '../backup/incremental.ts';
import type { Lineage, ParentManifest } from '../backup/lineage.ts';
import { newestSoundChain } from '../chain/chain.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import { writeMarker } from '../managed/data-marker.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';

/** The lineage of a registered service in one storage: chains by the index, each member proven to be in its repository. */
export function serviceLineage(
  context: Pick<EngineContext, 'state' | 'repository' | 'clock'>,
  service: ServiceRecord,
  storage: string,
  work: Pick<JobContext, 'warn'>,
): Lineage {
  const { state, repository, clock } = context;
  return {
    async newestParent(incarnation) {
      for (;;) {
        const chain = newestSoundChain(
          state.backups.physicalOf(service.id, incarnation, storage),
          state.backups.linkOf,
        );
        if (chain === undefined) return undefined;
        const { lost, last } = await readChain(
          repository,
          service.id,
          chain.map(({ id }) => id),
        );
        if (lost === undefined) return last;
        // What stood on it is of no use either; another chain may be.
        work.warn(`The backup ${lost} is no longer whole in the repository: it cannot be restored or built upon.`);
        state.backups.end(lost, 'Failed', 'The backup is no longer whole in the repository.');
      }
    },
    begin(facts) {
      const incarnation = randomUUID();
      // Servers of others carry a marker only where a restore of ours has left one.
      const marked = service.control.kind === 'managed' || facts.incarnation !== undefined;
      if (marked) {
        writeMarker(facts.datadir, {
          format: 1,
          service_id: service.id,
          incarnation,
          created_at: toRfc3339(new Date(clock.now())),
          options: fileOptions(facts.variables),
        });
      }
      state.services.setIncarnation(service.id, incarnation);
      return { incarnation, marker: marked ? incarnation : null };
    },
  };
}

/** A single incremental of a service without any chain is refused at once; what only the server can tell, its job finds. */
export function refuseWithoutChain(
  { state }: Pick<EngineContext, 'state'>,
  service: ServiceRecord,
  storage: string,
): void {
  const there = state.backups.physicalOf(service.id, service.incarnation, storage);
  if (newestSoundChain(there, state.backups.linkOf)) return;
  const where = storage === localStorage ? '' : ` in storage ${storage}`;
  throw noIncremental(`${service.id} has no backup of its present data${where} that an incremental could build on.`);
}

/** Looks for each member in the repository: the first that is not whole, or the manifest of the last. */
async function readChain(
  repository: BackupRepository,
  serviceId: string,
  ids: readonly string[],
): Promise<{ lost?: string; last?: ParentManifest }> {
  let last: ParentManifest | undefined;
  for (const id of ids) {
    const manifest = await repository.manifest(serviceId, id).catch((error: unknown) => {
      if (error instanceof SkybackupError && error.code === 'backup_damaged') return undefined;
      throw error;
    });
    if (manifest === undefined || manifest.lsn === null || !(await repository.isWhole(manifest))) return { lost: id };
    last = { ...manifest, lsn: manifest.lsn };
  }
  return last === undefined ? {} : { last };
}
