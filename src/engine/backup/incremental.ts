import { SkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import { breakSince } from './data-state.ts';
import { fullBasis, type Lineage } from './lineage.ts';
import { type PhysicalBackupInput, takePhysicalBackup } from './physical.ts';

export interface IncrementalBackupInput extends PhysicalBackupInput {
  lineage: Lineage;
  /** Where no incremental can be, take a full one and say so, instead of refusing: nobody is there to be told no. */
  orFull: boolean;
}

/**
 * Takes what changed since the newest backup of these data. Throws `conflict` with the reason where that would not be sound:
 * no chain, or the server's data are not those of the chain any more.
 */
export function takeIncrementalBackup(input: IncrementalBackupInput, job: JobContext): Promise<Manifest> {
  const { service, lineage, orFull } = input;
  return takePhysicalBackup(input, job, async (facts, data) => {
    const parent = await lineage.newestParent(service.incarnation);
    const broken = parent && breakSince(parent, data);
    if (parent !== undefined && broken === undefined) {
      return { incarnation: service.incarnation, marker: data.marker, parent };
    }
    const words =
      broken === undefined
        ? `${service.id} has no whole backup of its present data that it could build on`
        : `it cannot build on the backup ${parent?.id}: ${broken.words}`;
    if (!orFull) throw noIncremental(`An incremental backup is not possible: ${words}.`);
    job.warn(`A full backup was taken instead of an incremental one: ${words}.`);
    return fullBasis(service.incarnation, lineage, facts, data);
  });
}

/** The refusal of an incremental, with what to do. */
export function noIncremental(message: string): SkybackupError {
  return new SkybackupError('conflict', message, {
    hint: 'Take a full backup (backup_type full): later incrementals build on it.',
    retryable: false,
  });
}
