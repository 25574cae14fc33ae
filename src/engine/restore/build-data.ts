import type { PresentAccounts } from '../foreign/accounts.ts';
import { importForeign } from '../foreign/import-foreign.ts';
import type { JobContext } from '../job-context.ts';
import { type PrivateServer, startPrivateServer } from '../mariadb/private-server.ts';
import { rollForward } from '../recovery/roll-forward.ts';
import type { Repository } from '../repository/repository.ts';
import { makeEmptyData } from './empty-data.ts';
import { giveGtidState, giveReplicaPosition } from './gtid-state.ts';
import { importDump } from './import-dump.ts';
import { materialise } from './materialise.ts';
import { prove } from './prove.ts';
import { whileRoom } from './room.ts';
import { isDump, lastBackup, positionOf, type RestoreSource, type RollForward } from './source.ts';
import { replayRanOut } from './space.ts';
import { makeStaging, type Staging } from './staging.ts';

/** Of the caller, what making data of a source asks for. */
export interface Building {
  serverId: number;
  /** Asked once it is known what a foreign backup is: throws to refuse it. */
  fits?: (known: RestoreSource) => void;
  /** What a foreign dump without accounts gets. */
  presentAccounts?: PresentAccounts;
}

export interface BuiltData {
  /** On the data, and running. */
  server: PrivateServer;
  /** As it is known once its data are made. */
  source: RestoreSource;
  /** The accounts in the data are those of the source. */
  accounts: boolean;
}

/**
 * Makes the data of a source in a staging folder and proves them on a private server, which goes on running: what becomes
 * of the data is the caller's. The caller removes the staging, also after a failure. Throws `backup_damaged`,
 * `restore_failed`, `cancelled`; of a foreign source also what refuses it.
 */
export async function buildData(
  wanted: RestoreSource,
  repository: Repository,
  staging: Staging,
  { serverId, fits = () => {}, presentAccounts }: Building,
  job: JobContext,
): Promise<BuiltData> {
  await makeStaging(staging);
  let source = wanted;
  let accounts = true;
  if (isDump(source)) {
    job.phase('preparing', 'Making an empty data directory.');
    await makeEmptyData(lastBackup(source), staging, job.signal);
  } else {
    source = await materialise(source, repository, staging, job, fits);
    job.phase('proving', 'Opening every table on a private server.');
  }
  let last = lastBackup(source);
  const server = await startPrivateServer({ ...staging, options: last.server.options, serverId }, job.signal);
  try {
    const { connection } = server;
    if (isDump(source)) {
      job.phase('materialising', 'Importing the dump into a private server, beside the present data.');
      if (source.foreign === undefined) await importDump(last, repository, staging, server, job);
      else {
        const imported = await importForeign(source.foreign, staging, server, presentAccounts, job);
        accounts = imported.accounts;
        last = { ...last, binlog: { file: '', position: 0, gtid: imported.gtid ?? '' } };
        source = { ...source, backups: [last] };
      }
      job.phase('proving', 'Opening every table on a private server.');
    }
    // The boundary is the backup's own note of it. From here on, the server's log says which transaction was reached.
    const boundary = last.binlog?.gtid ?? '';
    await giveGtidState(connection, boundary);
    await prove({ backup: last, gtid: boundary, log: staging.log }, connection, job);
    if (source.rollForward !== undefined) {
      const { logs, until } = source.rollForward;
      job.phase('replaying', `${logs.length} binary logs, from ${logs[0].log.name}, to GTID ${until}.`);
      await replay(source.rollForward, repository, { server, staging }, job);
      job.phase('proving', 'Opening every table again.');
      // Tables that were dropped on the way are not missing.
      await prove({ backup: { ...last, tables: [] }, gtid: until, log: staging.log }, connection, job);
    }
    await giveReplicaPosition(connection, positionOf(source));
    return { server, source, accounts };
  } catch (error) {
    await server.discard();
    throw error;
  }
}

/** How much the data grow by is known only when it is done: a disk that becomes too small ends it. */
async function replay(
  logs: RollForward,
  repository: Repository,
  at: { server: PrivateServer; staging: Staging },
  job: JobContext,
): Promise<void> {
  let [done, total] = [0, 0];
  const place = at.staging.data;
  await whileRoom(
    { place, tooFull: (free) => replayRanOut({ place, free, done, total }), signal: job.signal },
    (signal) =>
      rollForward(logs, repository, at, {
        signal,
        phase: (name, message) => job.phase(name, message),
        warn: (message) => job.warn(message),
        progress: (bytes, ofBytes = 0) => {
          [done, total] = [bytes, ofBytes];
          job.progress(bytes, ofBytes);
        },
      }),
  );
}
