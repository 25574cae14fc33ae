import { chmodSync, constants, copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readSettings } from '../../client/settings.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { Identities, recipientsIn } from '../../engine/encryption/identities.ts';
import { table } from '../table.ts';
import { exitCodes, type Terminal } from '../terminal.ts';

/** The identities of the local home, with what each opens; never what is in them. */
export async function listIdentities(terminal: Terminal): Promise<number> {
  const identities = await new Identities({ identities: folderOf(terminal) }).list();
  const rows = identities.map(({ name, linked, recipients, trouble }) => [
    name,
    linked ? 'link' : 'copy',
    recipients.join(', '),
    trouble,
  ]);
  terminal.result({ identities }, table(['FILE', 'KIND', 'OPENS WHAT IS ENCRYPTED TO', 'TROUBLE'], rows));
  return exitCodes.done;
}

/** Puts an identity file into the home of the daemon, for its user alone; or only a link to it. */
export async function addIdentity(
  terminal: Terminal,
  file: string,
  { link = false }: { link?: boolean },
): Promise<number> {
  const folder = folderOf(terminal);
  const from = resolve(file);
  const recipients = await recipientsIn(from);
  const [first = ''] = recipients;
  const name = nameFor(first);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const to = join(folder, name);
  try {
    if (link) symlinkSync(from, to);
    else {
      copyFileSync(from, to, constants.COPYFILE_EXCL);
      chmodSync(to, 0o600);
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
    throw new SkybackupError('conflict', `The identity of ${first} is here already: ${to}.`, {
      hint: `To put another file in its place: skybackup encryption remove-identity ${first}`,
      retryable: false,
    });
  }
  terminal.result({ file: to, recipients, linked: link }, [
    `Backups encrypted to ${recipients.join(', ')} are restored and verified here from now on.`,
    link
      ? `${to} links to ${from}: while that is away, they are not. The daemon's user must be able to read it.`
      : `Whoever reads ${to} reads them too. To take it away again: skybackup encryption remove-identity ${first}`,
  ]);
  return exitCodes.done;
}

/** Takes an identity out of the home again; a link leaves its file alone. */
export async function removeIdentity(terminal: Terminal, recipient: string): Promise<number> {
  const identities = await new Identities({ identities: folderOf(terminal) }).list();
  const found = identities.find(({ name, recipients }) => name === recipient || recipients.includes(recipient));
  if (found === undefined) {
    throw new SkybackupError('not_found', `No identity of "${recipient.slice(0, 100)}" is here.`, {
      hint: 'See "skybackup encryption identities"; give a recipient, or the name of a file there.',
    });
  }
  rmSync(found.path);
  const words = `${found.path} is gone. Backups that only it opens cannot be restored here any more: be sure that the identity is kept elsewhere.`;
  terminal.result({ file: found.path, recipients: found.recipients }, words);
  return exitCodes.done;
}

/** An identity goes from file to file on one machine, and through no connection. */
function folderOf(terminal: Terminal): string {
  const { provider, home } = readSettings(terminal.env);
  if (provider.kind === 'local') return home.identities;
  throw new SkybackupError('unsupported', 'Identities are given on the machine of the daemon, in no other way.', {
    hint: 'Run this there, as the user of the daemon.',
  });
}

/** By the recipient, so that each identity is here once; the whole of it would be a long name. */
function nameFor(recipient: string): string {
  return `${recipient.slice(0, 20)}.txt`;
}
