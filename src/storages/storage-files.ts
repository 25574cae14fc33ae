import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { decodeCredentials } from '../contract/credentials.ts';
import { localStorage } from '../contract/default-storage.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { Home } from '../contract/home.ts';
import { registerSecret } from '../contract/redact.ts';
import { BandwidthLimit, DefaultFor, ObjectLock, Recipients, StorageName } from '../contract/storages.ts';

/**
 * A registered storage. In a file of its own and not in the state: a state that is lost is made anew from what lies in the
 * storages, and a client of the cloud, which has no state, reads them too.
 */
export const StorageFile = z.strictObject({
  format: z.literal(1),
  /** `local` only in the file of what was set of that one. */
  name: z.union([z.literal(localStorage), StorageName]),
  path: z.string(),
  credentials: z.string().optional(),
  default_for: DefaultFor.optional(),
  object_lock: ObjectLock.optional(),
  recipients: Recipients.optional(),
  limit: BandwidthLimit.optional(),
  /** Made for the bucket of one request: nobody has given it this name. */
  unnamed: z.boolean().optional(),
  /** Services of the cloud whose backups a person has sent there. */
  cloud_services: z.array(z.string()).optional(),
  added_at: z.string(),
});
export type StorageFile = z.infer<typeof StorageFile>;

const localFile = `${localStorage}.json`;

/** Every registered storage, by name. Throws `invalid_settings` for a file that cannot be read: where backups go is not guessed. */
export function readStorages({ storages }: Pick<Home, 'storages'>): StorageFile[] {
  if (!existsSync(storages)) return [];
  return readdirSync(storages)
    .filter((name) => name.endsWith('.json') && name !== localFile)
    .sort()
    .map((name) => readStorage(join(storages, name)));
}

/**
 * What was set of the local storage, if anything was. Throws `invalid_settings` for a file that cannot be read: else backups
 * would no longer be encrypted, and nobody would know.
 */
export function readLocalStorage({ storages }: Pick<Home, 'storages'>): StorageFile | undefined {
  const path = join(storages, localFile);
  return existsSync(path) ? readStorage(path) : undefined;
}

/** The text and the secrets in it: whoever is given it may say either again. */
function registerSecrets(credentials: string | undefined): void {
  registerSecret(credentials);
  if (credentials === undefined) return;
  try {
    const read = decodeCredentials(credentials);
    for (const secret of read.kind === 's3' ? [read.secret_access_key, read.session_token] : [read.key.private_key])
      registerSecret(secret);
  } catch {
    // Whoever uses them is told what is wrong with them.
  }
}

function readStorage(path: string): StorageFile {
  try {
    const storage = StorageFile.parse(JSON.parse(readFileSync(path, 'utf8')));
    registerSecrets(storage.credentials);
    if (basename(path) === fileName(storage.name)) return storage;
    throw new Error(`it holds the storage "${storage.name}"`);
  } catch (error) {
    // Never its content: there are credentials in it.
    throw new SkybackupError('invalid_settings', `The storage file ${path} cannot be read.`, {
      hint: 'Put it right, or remove it and add the storage anew with "skybackup storages add".',
      cause: error instanceof z.ZodError ? undefined : error,
    });
  }
}

/** Writes a storage's file whole or not at all, for this user alone. */
export function writeStorage({ storages }: Pick<Home, 'storages'>, storage: StorageFile): void {
  mkdirSync(storages, { recursive: true, mode: 0o700 });
  chmodSync(storages, 0o700);
  const path = join(storages, fileName(storage.name));
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(storage, undefined, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(draft, path);
}

/**
 * Changes a storage as its file is now: the daemon of the home and a client of the cloud each keep something of theirs in it.
 * Returns it; undefined where it was removed.
 */
export function changeStorage(
  home: Pick<Home, 'storages'>,
  name: string,
  change: (storage: StorageFile) => StorageFile,
): StorageFile | undefined {
  const storage = readStorages(home).find((each) => each.name === name);
  if (storage === undefined) return undefined;
  const changed = change(storage);
  writeStorage(home, changed);
  return changed;
}

export function removeStorage({ storages }: Pick<Home, 'storages'>, name: string): void {
  rmSync(join(storages, fileName(StorageName.parse(name))), { force: true });
}

function fileName(name: string): string {
  return `${name}.json`;
}
