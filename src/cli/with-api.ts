import type { BackupApi, DaemonApi } from '../client/backup-api.ts';
import { claimedClient } from '../client/claimed-client.ts';
import { readKeyFile } from '../client/key-setting.ts';
import { openBackupApi } from '../client/open.ts';
import { readSettings, type Settings } from '../client/settings.ts';
import { version } from '../client/version.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { Terminal } from './terminal.ts';

/** Runs a command on the Backup API that the environment names, and closes it. */
export async function withApi(
  terminal: Terminal,
  run: (api: BackupApi, settings: Settings) => Promise<number>,
  /** A file with the key to ask with, instead of the settings' own. */
  keyFile?: string,
): Promise<number> {
  const settings = readSettings(terminal.env);
  const override = keyFile === undefined ? {} : { key: readKeyFile('--key-file', keyFile, settings.warnings) };
  for (const warning of settings.warnings) terminal.note(`skybackup: ${warning}`);
  const api = openBackupApi(settings, override);
  try {
    return await claimedClient.run(`skybackup ${version}, the command line`, () => run(api, settings));
  } finally {
    await api.close();
  }
}

/** What only a daemon can do; on the cloud it is refused by name. */
export function daemonOf(api: BackupApi, what: string): DaemonApi {
  if (api.daemon) return api.daemon;
  throw new SkybackupError('unsupported', `${what} is a daemon's business, and the settings name the cloud.`, {
    hint: 'Unset SKYSQL_API_KEY to use the local daemon, or use the portal of the cloud.',
  });
}
