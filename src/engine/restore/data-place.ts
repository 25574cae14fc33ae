import { existsSync, lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { managedLayout } from '../managed/layout.ts';
import { ownFolder } from '../mariadb/no-schemas.ts';
import type { ServiceRecord } from '../service.ts';
import { isMountPoint } from './mounts.ts';

/** Of a service, what a restore onto it and the recovery of one need to know. */
export type RestoreTarget = Pick<ServiceRecord, 'id' | 'control' | 'connection' | 'datadir'>;

/** How data are exchanged: the data directory is renamed, or, where it is a mount point, each of its entries. */
export const movedBy = ['directory', 'entries'] as const;
export type MovedBy = (typeof movedBy)[number];

/** Where the data of a service lie, and where what a restore makes and keeps lies beside them. */
export interface DataPlace {
  /** Links resolved: it is the directory that is exchanged, and what leads to it stays. */
  data: string;
  /**
   * For staging folders, kept data and their records: on the file system of the data, so that a rename is enough. The
   * daemon's own folder: whoever owns the data cannot write into it.
   */
  beside: string;
  by: MovedBy;
  /** Open while data are exchanged; the server is not started while it exists. */
  journal: string;
}

/** The place of a service's data. Throws `unsupported` for a server whose data cannot be exchanged. */
export function placeOf(home: Home, { id, control, datadir }: RestoreTarget): DataPlace {
  if (control.kind === 'managed') {
    const { root, data, journal } = managedLayout(home, id);
    return { data, beside: root, by: 'directory', journal };
  }
  if (datadir === undefined) {
    throw new SkybackupError(
      'unsupported',
      `${id} was registered without its data directory, which would be replaced.`,
      {
        hint: 'Forget the service and register it again with --datadir, on the machine where its data are.',
      },
    );
  }
  const data = resolved(id, datadir);
  // What lies beside a mount point is on another file system: then it is inside, one folder deeper than servers look.
  const by = isMountPoint(data) ? 'entries' : 'directory';
  const beside = by === 'entries' ? join(data, ownFolder, 'restores') : `${data}.skybackup`;
  return { data, beside, by, journal: join(beside, 'swap-journal.json') };
}

/** Whether the data of a service are being exchanged, or were when a daemon ended and nobody has settled it yet. */
export function isBeingExchanged(home: Home, service: RestoreTarget): boolean {
  if (service.datadir === undefined) return false;
  try {
    return existsSync(placeOf(home, service).journal);
  } catch {
    // Its disk is not there: then nothing of it is being moved.
    return false;
  }
}

/** Where the data of before a restore are kept. */
export function keptPath({ beside }: DataPlace, restoreId: number): string {
  return join(beside, `data.before-restore-${restoreId}`);
}

/** The directory itself, also while it is not there: in the middle of an exchange its name is free for a moment. */
function resolved(id: string, datadir: string): string {
  try {
    for (let path = resolve(datadir), hops = 0; hops < 40; hops += 1) {
      const at = join(realpathSync(dirname(path)), basename(path));
      if (!lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) return at;
      path = resolve(dirname(at), readlinkSync(at));
    }
    throw new Error('too many links');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') {
      throw new SkybackupError(
        'unreadable_directory',
        `This daemon may not look at the data directory ${datadir} of ${id}.`,
        {
          hint: 'Run the daemon as root, or as the user that owns the data.',
          cause: error,
        },
      );
    }
    throw new SkybackupError('wrong_data_directory', `The data directory ${datadir} of ${id} cannot be found.`, {
      hint: 'Is its disk mounted? Put the data back, or forget the service and register it anew.',
      cause: error,
    });
  }
}

/** The user that whatever works on the data has to be, where that is not ourselves. */
export interface RunAs {
  uid?: number;
  gid?: number;
}

/** As root we work on the data of others as they would: one file of root's among them, and their server does not start. */
export function runAsOwner(data: string): RunAs {
  const stat = statSync(data, { throwIfNoEntry: false });
  if (process.getuid?.() !== 0 || stat === undefined || stat.uid === 0) return {};
  return { uid: stat.uid, gid: stat.gid };
}
