import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { runCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import type { Manifest } from '../repository/manifest.ts';

/** A file in the home's folder of identities, or what a link there leads to. */
export interface IdentityFile {
  name: string;
  path: string;
  /** A link to a file elsewhere, which may be away: on a stick, say. */
  linked: boolean;
  /** What is encrypted to one of these it opens. */
  recipients: string[];
  /** Why it opens nothing. */
  trouble?: string;
}

/**
 * The identities of age that this machine has: what opens encrypted backups. Backups are taken without any. The secret
 * itself is read by age alone, and never comes into this process.
 */
export class Identities {
  readonly #folder: string;
  readonly #known = new Map<string, string[]>();

  constructor({ identities }: Pick<Home, 'identities'>) {
    this.#folder = identities;
  }

  /** By name. A file that opens nothing says why. */
  async list(): Promise<IdentityFile[]> {
    const files: IdentityFile[] = [];
    for (const name of namesIn(this.#folder)) {
      const path = join(this.#folder, name);
      const file = { name, path, linked: lstatSync(path).isSymbolicLink() };
      try {
        files.push({ ...file, recipients: await this.#recipientsOf(path) });
      } catch (error) {
        files.push({ ...file, recipients: [], trouble: troubleOf(error) });
      }
    }
    return files;
  }

  /** Whether something here opens what is encrypted to these recipients. */
  async canOpen(recipients: readonly string[]): Promise<boolean> {
    return opening(await this.list(), recipients).length > 0;
  }

  /** The files that open a backup. Throws `identity_missing` naming the recipients it was encrypted to. */
  async openerOf({ id, encryption }: Pick<Manifest, 'id' | 'encryption'>): Promise<string[]> {
    const recipients = encryption?.recipients ?? [];
    const all = await this.list();
    const found = opening(all, recipients);
    if (found.length > 0) return found.map(({ path }) => path);
    throw identityMissing(id, recipients, all);
  }

  /** One file as often as it changes: every object that is read asks. */
  async #recipientsOf(path: string): Promise<string[]> {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    const file = [path, dev, ino, size, mtimeNs, ctimeNs].join(' ');
    const recipients = this.#known.get(file) ?? (await recipientsIn(path));
    this.#known.set(file, recipients);
    return recipients;
  }
}

/** Of who only stores and lists. */
export const noIdentities: Pick<Identities, 'openerOf'> = {
  openerOf: async ({ id, encryption }) => {
    throw identityMissing(id, encryption?.recipients ?? [], []);
  },
};

/** The recipients whose identities a file holds, by `age-keygen -y`. Throws `invalid_request` for a file that holds none. */
export async function recipientsIn(path: string): Promise<string[]> {
  const tool = { path: findTool('age-keygen'), args: ['-y', path] };
  // The words of age-keygen are kept out: of what a file holds that is no identity, it quotes a part.
  const said = await runCommand(tool).catch((error: unknown) => {
    if (error instanceof SkybackupError && error.code === 'tool_missing') throw error;
    return { stdout: '' };
  });
  const recipients = said.stdout.split('\n').filter((line) => line.startsWith('age1'));
  if (recipients.length > 0) return recipients;
  throw new SkybackupError(
    'invalid_request',
    `${path} holds no identity of age that can be used without a passphrase.`,
    {
      hint: 'Give the file that "skybackup encryption keygen" or age-keygen wrote. Take a passphrase off first: age -d -o <file> <encrypted file>.',
    },
  );
}

function opening(files: readonly IdentityFile[], recipients: readonly string[]): IdentityFile[] {
  return files.filter((file) => file.recipients.some((each) => recipients.includes(each)));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.txt'))
      .sort();
  } catch {
    return [];
  }
}

function troubleOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'the file it links to is not there';
  if (code === 'EACCES' || code === 'EPERM') return "the daemon's user may not read it";
  return toSkybackupError(error).message;
}

function identityMissing(
  backupId: string,
  recipients: readonly string[],
  files: readonly IdentityFile[],
): SkybackupError {
  const which = recipients.length === 1 ? recipients[0] : `any one of ${recipients.join(', ')}`;
  const broken = files.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [`${name}: ${trouble}`]));
  const troubles = broken.length === 0 ? '' : ` Of the files there some cannot be used: ${broken.join('; ')}.`;
  return new SkybackupError(
    'identity_missing',
    `Backup ${backupId} is encrypted, and this machine has no identity that opens it. Wanted is the identity of ${which}.${troubles}`,
    { details: { backup_id: backupId, recipients } },
  );
}
