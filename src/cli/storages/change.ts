import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { withApi } from '../with-api.ts';
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

/** Takes a storage off the list; what lies in it stays. */
export function removeStorage(terminal: Terminal, name: string): Promise<number> {
  return withApi(terminal, async (api, settings) => {
    await keeperOf(api, settings).removeStorage(name);
    const words = `Storage ${name} is off the list. The backups in it stay, and are listed again when it is added again.`;
    terminal.result({ name }, words);
    return exitCodes.done;
  });
}
