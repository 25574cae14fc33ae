import { exitCodes, type Terminal } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

/** Deletes one backup. Its whole id was given by the person: that is the confirmation. */
export function deleteBackup(terminal: Terminal, id: string): Promise<number> {
  return withApi(terminal, async (api) => {
    await daemonOf(api, 'Deleting a backup').deleteBackup(id);
    terminal.result({ id, deleted: true }, `Backup ${id} is deleted.`);
    return exitCodes.done;
  });
}
