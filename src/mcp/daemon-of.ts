import type { BackupApi, DaemonApi } from '../client/backup-api.ts';

/** What only a daemon has, for tools that exist with one alone (`needs`). */
export function daemonOf({ daemon }: Pick<BackupApi, 'daemon'>): DaemonApi {
  if (daemon === undefined) throw new Error('a tool that needs a daemon was called without one');
  return daemon;
}
