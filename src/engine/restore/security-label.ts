import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import { type CommandExit, describeExit, runCommand, startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';

/** Where a kernel that runs with SELinux, enforcing or not, tells of it. */
const selinuxFolder = '/sys/fs/selinux';

/** The directory whose label restored data are to have; undefined where the kernel gives files none, or there is no such directory. */
export function labelledAs(datadir: string, selinux = selinuxFolder): string | undefined {
  return existsSync(join(selinux, 'enforce')) && existsSync(datadir) ? datadir : undefined;
}

/**
 * Gives every entry of a directory the security label of another one: what was made beside a data directory has the label of
 * the folder above it, and a confined server may not open that. Throws `restore_failed` with the tool's words.
 */
export async function labelAs(directory: string, like: string): Promise<void> {
  const args = ['--recursive', '--no-dereference', `--reference=${like}`, '--', directory];
  const exit = await startCommand({ path: findTool('chcon'), args }, { stdout: 'ignore' }).exit;
  if (exit.code === 0 || (await isLabelledByMount(exit, directory, like))) return;
  throw new SkybackupError(
    'restore_failed',
    `The restored files cannot be given the security label of ${like}, without which its server may not open them: ${describeExit(exit)}`,
    { hint: 'Let the daemon relabel files ("ls -Z" shows their labels), or run it unconfined; then restore again.' },
  );
}

/** A mount with the option `context=` gives one label to all its files, and takes no other. */
async function isLabelledByMount({ stderr }: CommandExit, directory: string, like: string): Promise<boolean> {
  const refused = stderr.filter((line) => line.trim() !== '');
  if (!refused.every((line) => line.endsWith('Operation not supported'))) return false;
  const labels = await runCommand({ path: findTool('stat'), args: ['--format=%C', '--', like, directory] }).then(
    ({ stdout }) => stdout.trim().split('\n'),
    () => [],
  );
  return labels.length === 2 && labels[0] === labels[1];
}
