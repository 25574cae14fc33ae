import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import type { TablePattern } from '../../contract/table-pattern.ts';
import type { JobContext } from '../job-context.ts';
import { describeManagedServer } from '../managed/create.ts';
import { writeMarker } from '../managed/data-marker.ts';
import { renameDurably } from '../managed/durable-file.ts';
import { launchManaged, ownLogin } from '../managed/launch.ts';
import { managedLayout } from '../managed/layout.ts';
import { connectWith } from '../mariadb/connect.ts';
import { containsGtids, highestGtids } from '../mariadb/gtid.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import type { Repository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';
import { bringTables } from './bring-tables.ts';
import { buildData } from './build-data.ts';
import { placeOf } from './data-place.ts';
import { giveGtidState, liveGtidState } from './gtid-state.ts';
import { keepOwnAccount } from './own-account.ts';
import { ownershipOf, seal } from './seal.ts';
import { removeServiceFolder } from './service-folder.ts';
import { lastBackup, type RestoreSource } from './source.ts';
import { checkSpace, meansNoSpace, restoreSpace, spaceRanOut, spaceWarning } from './space.ts';
import { removeStaging, stagingOf } from './staging.ts';
import { removeBackupFiles } from './unpacked-files.ts';

export interface NewServiceInput {
  restoreId: number;
  /** As it will be registered; its folder is open and marked as unfinished. */
  service: ServiceRecord;
  source: RestoreSource;
  /** What to bring; undefined: everything. */
  tables: readonly TablePattern[] | undefined;
  repository: Repository;
  home: Home;
  /** Highest sequence per domain and server ever seen under this id, '' if none. */
  highestGtids: string;
  /** Asked right before the server is started; throws to forbid it. */
  beforeStart: () => void | Promise<void>;
}

export interface NewService {
  port: number;
  /** The GTID state the server began with. */
  gtids: string;
  warnings: string[];
  /** It has the accounts of the source. */
  accounts: boolean;
}

/**
 * Makes a managed server of a backup, beside everything there is: materialise and prove as for any restore, leave out what
 * is not wanted, start it on a free port. A failure or a cancel leaves nothing of it. Throws `backup_damaged`, `no_space`,
 * `invalid_request` for tables that are not there, `restore_failed`, `cancelled`.
 */
export async function restoreToNewService(input: NewServiceInput, job: JobContext): Promise<NewService> {
  try {
    return await make(input, job);
  } catch (error) {
    // Measured before what filled the disk is gone.
    const told = explain(error, input, job);
    await removeServiceFolder(input.home, input.service.id);
    throw told;
  }
}

async function make(input: NewServiceInput, job: JobContext): Promise<NewService> {
  const { home, service, repository } = input;
  const layout = managedLayout(home, service.id);
  const { server: described, password } = await describeManagedServer(home, service.id);
  const staging = stagingOf(placeOf(home, service), input.restoreId);
  const warnings: string[] = [];
  const warn = (message: string): void => {
    warnings.push(message);
    job.warn(message);
  };
  // Which logs are replayed was not known when the restore was asked for.
  const space = restoreSpace(input.source, placeOf(home, service));
  checkSpace(space);
  const tight = spaceWarning(space);
  if (tight !== undefined) warn(tight);
  const told = { ...jobParts(job), warn };
  const { server, source, accounts } = await buildData(
    input.source,
    repository,
    staging,
    { serverId: described.server_id },
    told,
  );
  let gtids: string;
  try {
    if (input.tables !== undefined) {
      job.phase('choosing', 'Leaving out what is not to be brought.');
      for (const sentence of await bringTables(server.connection, input.tables)) warn(sentence);
    }
    await keepOwnAccount(server.connection, password);
    gtids = highestGtids(input.highestGtids, lastBackup(source).binlog?.gtid ?? '', source.rollForward?.until ?? '');
    await giveGtidState(server.connection, gtids);
    await server.stop();
  } finally {
    await server.discard();
  }
  removeBackupFiles(staging);
  writeMarker(staging.data, {
    format: 1,
    service_id: service.id,
    incarnation: service.incarnation,
    created_at: service.created_at,
    options: fileOptions(lastBackup(source).server.options),
    restore_id: input.restoreId,
    backup_id: lastBackup(source).id,
  });
  job.signal.throwIfAborted();
  await seal(staging.data, await ownershipOf(layout.data));
  renameDurably(staging.data, layout.data);
  await removeStaging(staging);

  job.phase('starting', 'Starting the new server.');
  await input.beforeStart();
  const { answer, file } = await launchManaged(home, service.id, { signal: job.signal });
  if (answer !== 'answers')
    throw new SkybackupError('restore_failed', 'The new server refuses the login of skybackup.');
  job.phase('registering', 'The new server runs; looking it over.');
  const connection = await connectWith(ownLogin(layout, file));
  try {
    const state = await liveGtidState(connection);
    if (!containsGtids(state, gtids)) throw new Error(`its GTID state is ${state}, not ${gtids}`);
  } finally {
    await connection.close();
  }
  return { port: file.port, gtids, warnings, accounts };
}

function jobParts(job: JobContext): Omit<JobContext, 'warn'> {
  return {
    signal: job.signal,
    phase: (name, message) => job.phase(name, message),
    progress: (bytes, total) => job.progress(bytes, total),
  };
}

function explain(error: unknown, { home, source, service }: NewServiceInput, job: JobContext): unknown {
  if (meansNoSpace(error)) return spaceRanOut(restoreSpace(source, placeOf(home, service)), error);
  if (job.signal.aborted && !(error instanceof SkybackupError && error.code !== 'restore_failed')) {
    return new SkybackupError('cancelled', 'The restore was cancelled; nothing of the new service is left.', {
      cause: error,
    });
  }
  const known = toSkybackupError(error);
  if (known.code !== 'internal' && known.code !== 'service_failed') return known;
  const words = error instanceof Error ? error.message : String(error);
  return new SkybackupError('restore_failed', `The new service could not be made: ${words}`, {
    hint: 'Nothing of it is left, and nothing else was touched. Mend the reason, then restore again.',
    cause: error,
  });
}
