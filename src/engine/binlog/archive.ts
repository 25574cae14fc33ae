import { SkybackupError } from '../../contract/errors.ts';
import { manifestFrame } from '../backup/manifest-frame.ts';
import { orCancelled, type Publication, publishBackup } from '../backup/publish.ts';
import { checkSpace, noSpaceMidway } from '../backup/storage-room.ts';
import { type WorkDirectory, withWorkDirectory } from '../backup/work-directory.ts';
import type { JobContext } from '../job-context.ts';
import { connectWith } from '../mariadb/connect.ts';
import { type Login, readLogin } from '../mariadb/login.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import { toolVersion } from '../mariadb/tools.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { ServiceRecord } from '../service.ts';
import { type BinlogServer, lookAtBinlog } from './archivable.ts';
import { type ArchivePlan, type Gap, planArchive, type RangeEnd } from './archive-plan.ts';
import { fetchLog } from './fetch-log.ts';
import { positionOf } from './gtid-state.ts';
import { parseLogName } from './log-name.ts';
import { gtidsBefore, listLogs, openedAt, rotate, type ServerLog } from './server-logs.ts';
import { type FetchLog, type Shipped, shipLogs, takeFull } from './ship-logs.ts';

export interface BinlogBackupInput extends Publication {
  service: ServiceRecord;
  backupId: string;
  /** Where the archived ranges of this incarnation end, the newest first. */
  ends: readonly RangeEnd[];
  /** The newest log archived in another incarnation, when this one has none yet. */
  earlier: string | undefined;
  /** Where the logs of before an import end, while none of after it is archived: the server's own go on from there. */
  beforeImport?: RangeEnd | undefined;
}

/**
 * Archives every closed binary log that is not archived yet, over the connection alone. Undefined when there is none. All of
 * them become one backup or, whatever fails, nothing does.
 */
export async function takeBinlogBackup(input: BinlogBackupInput, job: JobContext): Promise<Manifest | undefined> {
  return orCancelled(input.backupId, job, () => take(input, job));
}

async function take(input: BinlogBackupInput, job: JobContext): Promise<Manifest | undefined> {
  const startedAt = new Date();
  job.phase('connecting');
  return withWorkDirectory(async (work) => {
    const login = await readLogin(input.service.connection, job.signal);
    await writeOptionFile(work.optionFile, 'mariadb-binlog', login);
    const { server, plan } = await lookAndPlan(input, { login, work }, job);
    const fetch: FetchLog = (log, store, onBytes) =>
      fetchLog({
        ...log,
        optionFile: work.optionFile,
        directory: work.target,
        signal: job.signal,
        store,
        onBytes,
      });
    return shipAndPublish(input, { server, plan, fetch, startedAt }, job);
  });
}

/** Whose logs are archived, as the manifest tells it. */
export type LoggingServer = Pick<BinlogServer, 'version' | 'server_id' | 'hostname'>;

/** Stores the planned logs and makes them a backup; undefined when there is none. */
export async function shipAndPublish(
  input: BinlogBackupInput,
  { server, plan, fetch, startedAt }: { server: LoggingServer; plan: ArchivePlan; fetch: FetchLog; startedAt: Date },
  job: JobContext,
): Promise<Manifest | undefined> {
  const { service, backupId, repository } = input;
  if (plan.logs.length === 0) return undefined;
  refuseNames(plan.logs);
  const gap = plan.gap ?? gapOfIncarnation(input);
  if (plan.gap !== undefined) job.warn(`${plan.gap.detail} ${takeFull}`);
  const total = plan.logs.reduce((sum, { bytes }) => sum + bytes, 0);
  await checkSpace(repository, total);
  try {
    const shipped = await shipLogs(input, { plan, gap, fetch, total }, job);
    job.phase('publishing');
    const manifest = await describe(input, { server, shipped, startedAt }, job);
    await publishBackup(input, manifest, job);
    return manifest;
  } catch (error) {
    await repository.remove(service.id, backupId);
    throw noSpaceMidway(error, service, total);
  }
}

function refuseNames(logs: readonly ServerLog[]): void {
  for (const { name } of logs) {
    if (parseLogName(name) !== undefined) continue;
    throw new SkybackupError('unsupported', `"${name.slice(0, 100)}" is no name that a binary log can be kept under.`, {
      hint: 'Give the server another log_bin, of letters and digits.',
    });
  }
}

async function lookAndPlan(
  { service, repository, ends, beforeImport }: BinlogBackupInput,
  { login, work }: { login: Login; work: WorkDirectory },
  job: JobContext,
): Promise<{ server: BinlogServer; plan: ArchivePlan }> {
  const connection = await connectWith(login, { signal: job.signal });
  try {
    const server = await lookAtBinlog(connection, service.id, repository.recipients);
    for (const warning of server.warnings) job.warn(warning);
    job.phase('rotating');
    await rotate(connection);
    const plan = await planArchive(ends, await listLogs(connection), {
      serverId: server.server_id,
      gtidsBefore: (name) => gtidsBefore(connection, name),
      openedAt: (name) => openedAt(work.optionFile, name, job.signal),
      beforeImport,
    });
    return { server, plan };
  } finally {
    await connection.close();
  }
}

/** After a restore the logs begin anew, and who was registered anew may be another server: no range goes across that. */
function gapOfIncarnation({ ends, earlier }: BinlogBackupInput): Gap | undefined {
  if (ends.length > 0 || earlier === undefined) return undefined;
  return {
    kind: 'incarnation',
    detail: `The data were replaced by a restore, or the service was registered anew, after ${earlier} was archived.`,
  };
}

async function describe(
  input: BinlogBackupInput,
  { server, shipped, startedAt }: { server: LoggingServer; shipped: Shipped; startedAt: Date },
  job: JobContext,
): Promise<Manifest> {
  const { logs, objects } = shipped;
  const [[first, ...others], last] = [objects, logs.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a backup without logs');
  const newest = logs.findLast((log) => log.last_event_at !== null)?.last_event_at;
  return {
    ...manifestFrame(input, startedAt),
    type: 'binarylog',
    method: 'mariadb-binlog',
    parent: null,
    full: null,
    lsn: null,
    binlog: { file: last.name, position: last.bytes, gtid: positionOf(last.gtids_after) },
    server: { version: server.version, server_id: server.server_id, hostname: server.hostname, options: {} },
    tool_version: await toolVersion('mariadb-binlog', job.signal),
    tables: [],
    // Without a transaction the data are still those of the moment at which the last log was opened.
    point_in_time: newest ?? last.closed_at ?? last.opened_at,
    objects: [first, ...others],
    logs,
    disk_bytes: logs.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
