import { SkybackupError } from '../../contract/errors.ts';
import { type CommandSpec, describeExit, startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import type { Manifest } from '../repository/manifest.ts';

/** How a backup's objects are encrypted, as its manifest has it. */
export type Encryption = Manifest['encryption'];

/** Added to the name of an object that is encrypted, after that of its compression. */
export const encryptedSuffix = '.age';

/** What the manifest says of objects that only the holders of these recipients' identities can read; null without any. */
export function encryptionFor(recipients: readonly string[]): Encryption {
  return recipients.length === 0 ? null : { kind: 'age', recipients: [...recipients] };
}

/** The name of an object, after its compression. */
export function sealedName(name: string, recipients: readonly string[]): string {
  return recipients.length === 0 ? name : `${name}${encryptedSuffix}`;
}

/** `age` as the last member of a backup's pipe: none without recipients. Each of their identities opens it alone. */
export function sealCommands(recipients: readonly string[]): CommandSpec[] {
  if (recipients.length === 0) return [];
  return [
    { path: findTool('age'), args: ['--encrypt', ...recipients.flatMap((each) => ['-r', each])], diesWithUs: true },
  ];
}

/** `age` on the way back. The files hold identities; what is in them never passes through this process. */
export function openCommand(identityFiles: readonly string[]): CommandSpec {
  return {
    path: findTool('age'),
    args: ['--decrypt', ...identityFiles.flatMap((path) => ['-i', path])],
    diesWithUs: true,
  };
}

/** Has each recipient tried out. Throws `invalid_request` with age's own words: else the nightly backup would find out. */
export async function checkRecipients(recipients: readonly string[]): Promise<void> {
  for (const recipient of recipients) {
    const age = startCommand({ path: findTool('age'), args: ['--encrypt', '-r', recipient] });
    // What it makes of nothing is nothing that is wanted.
    age.stdout?.resume();
    const exit = await age.exit;
    if (exit.code === 0) continue;
    throw new SkybackupError('invalid_request', `"${recipient}" is no recipient of age: ${describeExit(exit)}`, {
      hint: 'Give the line that begins with age1, as "skybackup encryption keygen" prints it.',
    });
  }
}
