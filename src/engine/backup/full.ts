import type { JobContext } from '../job-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import { fullBasis, type Lineage } from './lineage.ts';
import { type PhysicalBackupInput, takePhysicalBackup } from './physical.ts';

export interface FullBackupInput extends PhysicalBackupInput {
  lineage: Lineage;
}

/** Takes a full physical backup, which needs no other. Where the data were replaced by hand, it notices and says so. */
export function takeFullBackup(input: FullBackupInput, job: JobContext): Promise<Manifest> {
  const { service, lineage } = input;
  return takePhysicalBackup(input, job, async (facts, data) => {
    const basis = await fullBasis(service.incarnation, lineage, facts, data);
    if (basis.replaced !== undefined) {
      job.warn(
        `The data of ${service.id} were replaced outside of skybackup since its last backup: ${basis.replaced}.`,
      );
    }
    return basis;
  });
}
