import { exitCodes, type Terminal } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

/** Makes a key of the daemon and prints it alone on stdout, this once: the daemon keeps only its hash. */
export function createKey(terminal: Terminal, options: { role: string; name?: string }): Promise<number> {
  return withApi(terminal, async (api) => {
    const created = await daemonOf(api, 'Making keys').createKey(options);
    terminal.note(
      `Key ${created.id} with the role ${created.role}. It is shown this once; put it into a file that only its user can read.`,
    );
    terminal.secret(created, created.key);
    return exitCodes.done;
  });
}
