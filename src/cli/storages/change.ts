import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';
import { keeperOf } from './keeper.ts';

/** Writes to a storage, reads back and empties it again. */
export function checkStorage(terminal: Terminal, name: string): Promise<number> {
  return withApi(terminal, async (api, settings) => {
    const checked = await keeperOf(api, settings).checkStorage(name);
    const words = `Storage ${name} is well: ${checked.path} was written to, read back and emptied again.`;
    terminal.result(checked, [words, ...checked.remarks]);
    return exitCodes.done;
  });
}

/** Says whose backups go to a storage where nothing else is said. */
export function setDefault(
  terminal: Terminal,
  name: string,
  services: string[],
  { all = false, none = false }: { all?: boolean; none?: boolean },
): Promise<number> {
  return withApi(terminal, async (api, settings) => {
    if ([all, none, services.length > 0].filter(Boolean).length !== 1) {
      throw new UsageError('Name services, or give --all, or --none.');
    }
    const default_for = all ? 'all' : none ? null : services;
    await keeperOf(api, settings).setStorageDefault(name, default_for);
    const whose = all ? 'all services' : none ? 'no service' : services.join(', ');
    terminal.result({ name, default_for }, `Storage ${name} is the default of ${whose} now.`);
    return exitCodes.done;
  });
}

/** How much may move to and from it, of all backups and restores together; from now on, also for those that run. */
export function setLimit(
  terminal: Terminal,
  name: string,
  limit: string | undefined,
  { none = false }: { none?: boolean },
): Promise<number> {
  return withApi(terminal, async (api) => {
    if ((limit === undefined) !== none) throw new UsageError('Give a limit such as 50MB/s, or --none.');
    await daemonOf(api, 'Changing a storage').setStorageLimit(name, limit ?? null);
    const words =
      limit === undefined ? `Storage ${name} has no limit now.` : `Storage ${name} is limited to ${limit} now.`;
    terminal.result({ name, limit: limit ?? null }, words);
    return exitCodes.done;
  });
}

/** Takes a storage off the list; what lies in it stays. */
export function removeStorage(terminal: Terminal, name: string): Promise<number> {
  return withApi(terminal, async (api, settings) => {
    await keeperOf(api, settings).removeStorage(name);
    const words = `Storage ${name} is off the list. The backups in it stay, and are listed again when it is added again.`;
    terminal.result({ name }, words);
    return exitCodes.done;
  });
}
