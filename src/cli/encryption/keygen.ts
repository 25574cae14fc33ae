import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import { recipientsIn } from '../../engine/encryption/identities.ts';
import { runCommand } from '../../engine/mariadb/command.ts';
import { findTool } from '../../engine/mariadb/tools.ts';
import { exitCodes, type Terminal } from '../terminal.ts';

/** Has age-keygen make an identity file, which nobody else may read, and prints the recipient alone. */
export async function keygen(
  terminal: Terminal,
  { out = 'skybackup-identity.txt' }: { out?: string },
): Promise<number> {
  const file = resolve(out);
  if (existsSync(file)) {
    throw new SkybackupError('conflict', `${file} is there already.`, {
      hint: 'Choose another file with --out: an identity that is overwritten takes every backup for it along.',
      retryable: false,
    });
  }
  // It makes the file for its owner alone, and never writes over one.
  await runCommand({ path: findTool('age-keygen'), args: ['-o', file] });
  const [recipient = ''] = await recipientsIn(file);
  terminal.note([
    `The identity is in ${file}. WITHOUT THIS FILE THE BACKUPS ARE LOST: nobody can decrypt them, nor make it again.`,
    'Keep a copy where neither a fire nor a thief finds it together with the backups, and add a second recipient for a safe.',
    'To take backups, the daemon needs the recipient only:',
    `  skybackup encryption recipients local ${recipient}`,
    'To restore or verify them, it needs the file, for that long:',
    `  skybackup encryption add-identity ${file}`,
    '',
  ]);
  terminal.result({ recipient, file }, recipient);
  return exitCodes.done;
}
