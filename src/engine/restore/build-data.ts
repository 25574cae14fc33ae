import type { JobContext } from '../job-context.ts';
import { type PrivateServer, startPrivateServer } from '../mariadb/private-server.ts';
import type { Repository } from '../repository/repository.ts';
import { materialise } from './materialise.ts';
import { prepare } from './prepare.ts';
import { prove } from './prove.ts';
import { physicalBackup } from './restorable.ts';
import { lastBackup, type RestoreSource } from './source.ts';
import { makeStaging, type Staging } from './staging.ts';

/**
 * Makes the data of a source in a staging folder and proves them on a private server, which goes on running: what becomes
 * of the data is the caller's. The caller removes the staging, also after a failure. Throws `backup_damaged`,
 * `restore_failed`, `cancelled`.
 */
export async function buildData(
  source: RestoreSource,
  repository: Repository,
  staging: Staging,
  serverId: number,
  job: JobContext,
): Promise<PrivateServer> {
  const manifest = physicalBackup(lastBackup(source));
  await makeStaging(staging);
  job.phase('materialising', 'Unpacking the backup beside the present data.');
  await materialise(manifest, repository, staging, job);
  job.phase('preparing', 'Applying the redo log of the backup.');
  await prepare(manifest, staging, job.signal);
  job.phase('proving', 'Opening every table on a private server.');
  const server = await startPrivateServer({ ...staging, options: manifest.server.options, serverId }, job.signal);
  try {
    await prove(manifest, staging, server.connection, job);
    return server;
  } catch (error) {
    await server.discard();
    throw error;
  }
}
