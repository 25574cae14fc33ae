import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { managedLayout } from '../managed/layout.ts';
import type { ServiceRecord } from '../service.ts';

/** Of a service, what a restore onto it and the recovery of one need to know. */
export type RestoreTarget = Pick<ServiceRecord, 'id' | 'control' | 'connection' | 'datadir'>;

/** Where the data of a service lie, and where what a restore makes and keeps lies beside them. */
export interface DataPlace {
  data: string;
  /** For staging folders, kept data and their records: on the file system of the data, so that a rename is enough. */
  beside: string;
  /** Open while data are exchanged; the server is not started while it exists. */
  journal: string;
}

/** The place of a service's data. Throws `unsupported` for a server whose data cannot be exchanged. */
export function placeOf(home: Home, { id, control }: RestoreTarget): DataPlace {
  if (control.kind !== 'managed') {
    throw new SkybackupError(
      'unsupported',
      `${id} is not managed by this daemon, so its data cannot be exchanged yet.`,
    );
  }
  const { root, data, journal } = managedLayout(home, id);
  return { data, beside: root, journal };
}

/** Where the data of before a restore are kept. */
export function keptPath({ beside }: DataPlace, restoreId: number): string {
  return join(beside, `data.before-restore-${restoreId}`);
}
