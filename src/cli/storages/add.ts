import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseRequest } from '../../contract/parse-request.ts';
import { StorageRequest } from '../../contract/storages.ts';
import { encryptedTo } from '../encryption/words.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { withApi } from '../with-api.ts';
import { credentialsIn } from './credentials-file.ts';
import { keeperOf } from './keeper.ts';

export interface AddStorageOptions {
  path: string;
  credentialsFile?: string;
  profile?: string;
  objectLock?: string;
  lockDays?: string;
  limit?: string;
  default?: boolean;
  defaultFor?: string[];
  recipient?: string[];
}

/** Registers a bucket or a folder for backups. Its credentials come from a file, and are shown nowhere. */
export function addStorage(terminal: Terminal, name: string, options: AddStorageOptions): Promise<number> {
  return withApi(terminal, async (api, settings) => {
    const path = pathOf(options.path, settings.provider.kind === 'daemon');
    const request = parseRequest(StorageRequest, requestOf(name, path, options), 'storage');
    terminal.note(`Trying it out: ${request.path}`);
    const { path: url, remarks } = await keeperOf(api, settings).addStorage(request);
    terminal.result({ name, path: url, remarks }, [
      `Storage ${name} is registered: ${url}. It was written to, read back and emptied again.`,
      ...remarks,
      ...(request.recipients === undefined ? [] : [encryptedTo(name, request.recipients)]),
      api.daemon === undefined
        ? `Backups of the cloud go there where it is named. A daemon of this home takes it up at its next start.`
        : wordsForDefault(request),
    ]);
    return exitCodes.done;
  });
}

/** A folder may be told as people do; but one of another machine cannot be told from here by anything but its whole path. */
function pathOf(path: string, isElsewhere: boolean): string {
  if (path.includes('://')) return path;
  if (isElsewhere && !isAbsolute(path)) {
    throw new UsageError(
      `--path ${path} is not a whole path.`,
      "It is a folder on the daemon's machine: begin it with /.",
    );
  }
  return pathToFileURL(resolve(path)).href;
}

function requestOf(name: string, path: string, options: AddStorageOptions): unknown {
  const { credentialsFile, profile, limit, default: forAll, defaultFor, objectLock, lockDays, recipient } = options;
  if (forAll && defaultFor !== undefined) throw new UsageError('Give --default or --default-for, not both.');
  if (profile !== undefined && credentialsFile === undefined) {
    throw new UsageError('--profile names one of a --credentials-file, and none was given.');
  }
  if ((objectLock === undefined) !== (lockDays === undefined)) {
    throw new UsageError('Give --object-lock and --lock-days together.');
  }
  return {
    name,
    path,
    ...(credentialsFile === undefined ? {} : { credentials: credentialsIn(credentialsFile, profile) }),
    ...(recipient === undefined ? {} : { recipients: recipient }),
    ...(limit === undefined ? {} : { limit }),
    ...(forAll ? { default_for: 'all' } : defaultFor === undefined ? {} : { default_for: defaultFor }),
    ...(objectLock === undefined ? {} : { object_lock: { mode: objectLock, days: Number(lockDays) } }),
  };
}

function wordsForDefault({ name, default_for }: StorageRequest): string {
  if (default_for === 'all') return 'From now on the backups of all services go there.';
  if (default_for !== undefined) return `From now on the backups of ${default_for.join(', ')} go there.`;
  return `Backups go there where it is named, or once it is a default: skybackup storages default ${name} --all.`;
}
