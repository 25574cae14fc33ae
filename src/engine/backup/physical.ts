import { SkybackupError } from '../../contract/errors.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { sealedName } from '../encryption/age.ts';
import type { JobContext } from '../job-context.ts';
import { type connect, connectWith } from '../mariadb/connect.ts';
import { checkBackupPossible, inspectServer, type ServerFacts } from '../mariadb/inspect.ts';
import { lockHolders } from '../mariadb/lock-holders.ts';
import { type Login, readLogin } from '../mariadb/login.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import { listTables, type TableFacts } from '../mariadb/tables.ts';
import { backupPrefix, type Manifest } from '../repository/manifest.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';
import { type CopiedData, copyData } from './copy-data.ts';
import { type DataState, readDataState } from './data-state.ts';
import type { Basis, ParentManifest } from './lineage.ts';
import { manifestFrame } from './manifest-frame.ts';
import { orCancelled, publishBackup } from './publish.ts';
import { estimateBytes } from './size-estimate.ts';
import { checkSpace, noSpaceMidway } from './storage-room.ts';
import { type WorkDirectory, withWorkDirectory } from './work-directory.ts';

export interface PhysicalBackupInput {
  service: ServiceRecord;
  backupId: string;
  repository: BackupRepository;
  /** How long a lock of the backup may be waited for. Default 60. */
  lockWaitSeconds?: number;
  /** Files read at once. Default 2. */
  parallel?: number;
  /** The fencing check, right before the backup comes to be; throws to forbid that. */
  beforePublish: () => void | Promise<void>;
}

/**
 * Takes a physical backup while the server goes on, on the basis that `choose` finds for this server. Nothing is staged on
 * disk and memory stays flat. Whatever fails, a cancel included, leaves no object, no temporary file and no process; until
 * the manifest is written there is no backup.
 */
export async function takePhysicalBackup(
  input: PhysicalBackupInput,
  job: JobContext,
  choose: (facts: ServerFacts, data: DataState) => Promise<Basis>,
): Promise<Manifest> {
  return orCancelled(input.backupId, job, () => take(input, job, choose));
}

async function take(
  input: PhysicalBackupInput,
  job: JobContext,
  choose: (facts: ServerFacts, data: DataState) => Promise<Basis>,
): Promise<Manifest> {
  const { service, backupId, repository } = input;
  const startedAt = new Date();
  job.phase('connecting');
  const login = await readLogin(service.connection, job.signal);
  const facts = await inspectServer(service, job.signal, login);
  checkBackupPossible(facts);
  if (facts.incarnation !== undefined && facts.incarnation !== service.incarnation) {
    job.warn('The data directory was replaced outside of skybackup since the last backup or restore.');
  }
  const data = await readDataState(login, facts, job.signal);
  const basis = await choose(facts, data);
  const { parent } = basis;
  // How much of the pages changed is not known before they are read.
  const estimate = parent === undefined ? await estimateBytes(facts.datadir, facts.variables) : undefined;
  if (estimate !== undefined) await checkSpace(repository, estimate);

  const key = `${backupPrefix(service.id, backupId)}/${sealedName('data.xbstream.zst', repository.recipients)}`;
  return withWorkDirectory(async (work) => {
    await writeOptionFile(work.optionFile, 'mariadb-backup', login);
    job.phase('copying');
    job.progress(0, estimate);
    const copied = await copy(input, job, { facts, login, work, estimate, key, parent });
    warnOfLeftOut(copied.tables, job);

    job.phase('publishing');
    const manifest = describe(input, { facts, data, basis, copied, startedAt });
    const beforePublish = async (): Promise<void> => {
      if (parent !== undefined) await checkContinues(repository, parent, copied);
      await input.beforePublish();
    };
    await publishBackup({ repository, beforePublish }, manifest, job);
    return manifest;
  });
}

interface CopyFacts {
  facts: ServerFacts;
  login: Login;
  work: WorkDirectory;
  estimate: number | undefined;
  key: string;
  parent: ParentManifest | undefined;
}

async function copy(
  input: PhysicalBackupInput,
  job: JobContext,
  { facts, login, work, estimate, key, parent }: CopyFacts,
): Promise<CopiedData> {
  const { service, repository, lockWaitSeconds = 60, parallel = 2 } = input;
  const onServer = async <T>(ask: (server: Awaited<ReturnType<typeof connect>>) => Promise<T>): Promise<T> => {
    const server = await connectWith(login, { signal: job.signal });
    try {
      return await ask(server);
    } finally {
      await server.close();
    }
  };
  try {
    return await copyData({
      datadir: facts.datadir,
      sinceLsn: parent?.lsn.to,
      work,
      parallel,
      lockWaitSeconds,
      signal: job.signal,
      recipients: repository.recipients,
      store: (body) => repository.putObject(key, body, job.signal),
      tables: () => onServer(listTables),
      lockHolders: () => onServer(lockHolders),
      onBytes: (bytes) => job.progress(bytes, estimate === undefined ? undefined : Math.max(bytes, estimate)),
      onWaiting: (stage) => {
        if (stage === undefined) job.phase('copying');
        else job.phase('waiting for lock', `The server has not granted the lock ${stage} yet.`);
      },
    });
  } catch (error) {
    throw noSpaceMidway(error, service, estimate);
  }
}

interface Described {
  facts: ServerFacts;
  data: DataState;
  basis: Basis;
  copied: CopiedData;
  startedAt: Date;
}

function describe(input: PhysicalBackupInput, { facts, data, basis, copied, startedAt }: Described): Manifest {
  const { position } = copied;
  const { incarnation, marker, parent } = basis;
  return {
    ...manifestFrame(input, startedAt),
    type: parent === undefined ? 'full' : 'incremental',
    method: 'mariabackup',
    incarnation,
    parent: parent?.id ?? null,
    full: parent === undefined ? null : (parent.full ?? parent.id),
    lsn: position.lsn,
    binlog: position.binlog,
    server: {
      version: facts.version,
      server_id: facts.server_id,
      hostname: facts.hostname,
      options: fileOptions(facts.variables),
      data: { marker, tablespace: data.tablespace },
    },
    tool_version: position.toolVersion,
    tables: copied.tables,
    point_in_time: toRfc3339(copied.dataOf),
    objects: [copied.object],
    disk_bytes: copied.diskBytes,
  };
}

/** Retention, a person or a fault may have taken the parent away while this was copied, and then it is worth nothing. */
async function checkContinues(
  repository: BackupRepository,
  parent: ParentManifest,
  { position }: CopiedData,
): Promise<void> {
  if (position.lsn.from !== parent.lsn.to) {
    throw new SkybackupError(
      'backup_failed',
      `mariadb-backup copied the changes since LSN ${position.lsn.from}, and the backup ${parent.id} ends at ${parent.lsn.to}.`,
    );
  }
  const present = await repository.manifest(parent.service_id, parent.id);
  if (present !== undefined && (await repository.isWhole(present))) return;
  throw new SkybackupError(
    'backup_failed',
    `The backup ${parent.id}, which this one builds on, was removed while it was taken.`,
    { hint: 'Take a full backup: later incrementals build on it.', details: { parent: parent.id } },
  );
}

/** Engines whose rows mariadb-backup copies; of the others it takes the definition at most. */
const copiedEngines = new Set(['InnoDB', 'Aria', 'MyISAM', 'MRG_MyISAM', 'CSV', 'ARCHIVE']);

function warnOfLeftOut(tables: readonly TableFacts[], job: JobContext): void {
  const left = tables.filter(({ engine }) => engine !== null && !copiedEngines.has(engine));
  if (left.length === 0) return;
  const names = left.slice(0, 5).map((table) => `${table.schema}.${table.name} (${table.engine})`);
  job.warn(
    `The rows of ${left.length} tables are not in the backup, their engine keeps them elsewhere: ${names.join(', ')}.`,
  );
}
