import { SkybackupError } from '../../contract/errors.ts';
import { parseRequest } from '../../contract/parse-request.ts';
import { StoragePatch } from '../../contract/storages.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';
import { encryptedTo } from './words.ts';

/** Shows or sets to whom the backups that go to a storage are encrypted from now on. */
export function recipients(
  terminal: Terminal,
  storage: string,
  wanted: string[],
  { none = false }: { none?: boolean },
): Promise<number> {
  return withApi(terminal, async (api) => {
    const daemon = daemonOf(api, 'Encrypting backups');
    if (none && wanted.length > 0) throw new UsageError('Give recipients or --none, not both.');
    if (none || wanted.length > 0) {
      const patch = parseRequest(StoragePatch, { recipients: wanted }, 'recipients');
      await daemon.setStorageRecipients(storage, patch.recipients ?? []);
    }
    const found = (await api.listStorages()).find(({ name }) => name === storage);
    if (found === undefined) {
      throw new SkybackupError('not_found', `There is no storage "${storage}".`, {
        hint: 'See "skybackup storages list"; the repository of the daemon is "local".',
      });
    }
    const { recipients: set = [] } = found;
    terminal.result({ storage, recipients: set }, encryptedTo(storage, set));
    return exitCodes.done;
  });
}
