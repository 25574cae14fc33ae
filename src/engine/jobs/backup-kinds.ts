import type { BackupType } from '../../contract/backups.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { takeDump } from '../backup/dump.ts';
import { type FullBackupInput, takeFullBackup } from '../backup/full.ts';
import { takeIncrementalBackup } from '../backup/incremental.ts';
import { takeBinlogBackup } from '../binlog/archive.ts';
import { archivedBefore, nothingWritten } from '../binlog/archived.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { ServiceRecord } from '../service.ts';
import type { Lane } from '../store/jobs-table.ts';
import type { StoredService } from '../store/services-table.ts';
import { refuseWithoutChain, serviceLineage } from './service-lineage.ts';

/** One run of a backup, as its kind sees it. */
export interface BackupRun {
  /** Its repository is the one that the backup goes to. */
  context: EngineContext;
  service: ServiceRecord;
  backupId: string;
  storage: string;
  /** Taken by a repeated schedule: nobody is there to be told no. */
  scheduled: boolean;
  work: JobContext;
  /** The fencing check, right before the backup comes to be; throws to forbid that. */
  beforePublish: () => void;
}

/** A backup that was not needed: it succeeds, and none is listed. */
export class NothingNew {
  /** A sentence for people. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

export interface BackupKind {
  method: Manifest['method'];
  /** Kinds of different lanes may run at once on one service. */
  lane: Lane;
  /** Reads the server's files, and so needs its data directory on this machine. */
  readsFiles: boolean;
  /** Why a single run cannot be, where that is known before it starts; throws. */
  refuse?(context: EngineContext, service: ServiceRecord, storage: string): void;
  take(run: BackupRun): Promise<Manifest | NothingNew>;
}

/** Every type of backup this daemon takes. A type that is not here is refused by name. */
const backupKinds: Partial<Record<BackupType, BackupKind>> = {
  full: {
    method: 'mariabackup',
    lane: 'data',
    readsFiles: true,
    take: (run) => takeFullBackup(physicalInput(run), run.work),
  },
  incremental: {
    method: 'mariabackup',
    lane: 'data',
    readsFiles: true,
    refuse: refuseWithoutChain,
    take: (run) => takeIncrementalBackup({ ...physicalInput(run), orFull: run.scheduled }, run.work),
  },
  binarylog: {
    method: 'mariadb-binlog',
    lane: 'binlog',
    readsFiles: false,
    take: async ({ context: { repository, state }, service, backupId, beforePublish, work }) => {
      const archived = archivedBefore(state, service);
      const manifest = await takeBinlogBackup({ service, backupId, repository, beforePublish, ...archived }, work);
      return manifest ?? new NothingNew(nothingWritten(service, archived));
    },
  },
  dump: {
    method: 'mariadb-dump',
    lane: 'data',
    readsFiles: false,
    take: ({ context: { repository }, service, backupId, beforePublish, work }) =>
      takeDump({ service, backupId, repository, beforePublish }, work),
  },
};

function physicalInput({ context, service, backupId, storage, beforePublish, work }: BackupRun): FullBackupInput {
  const { repository, parallel } = context;
  return {
    service,
    backupId,
    repository,
    parallel,
    beforePublish,
    lineage: serviceLineage(context, service, storage, work),
  };
}

/** The kind of a type, for a service that can give it. Throws `unsupported` with the alternatives. */
export function kindFor(service: StoredService, type: string): BackupKind {
  const kinds = new Map<string, BackupKind>(Object.entries(backupKinds));
  const kind = kinds.get(type);
  const possible = [...kinds].filter(([, each]) => service.datadir !== undefined || !each.readsFiles);
  const names = possible.map(([name]) => name).join(', ');
  if (kind === undefined) {
    throw new SkybackupError('unsupported', `This daemon does not take backups of type ${type}.`, {
      hint: `Choose backup_type ${[...kinds.keys()].join(', ')}.`,
    });
  }
  if (kind.readsFiles && service.datadir === undefined) {
    const other = names === '' ? '' : ` Or choose backup_type ${names}, which ask the server alone.`;
    throw new SkybackupError(
      'unsupported',
      `Service ${service.id} was registered without its data directory, which a ${type} backup reads.`,
      {
        hint: `Forget the service and register it again with --datadir, on the machine where its data are.${other}`,
      },
    );
  }
  return kind;
}
