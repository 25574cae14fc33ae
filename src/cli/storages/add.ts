import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseRequest } from '../../contract/parse-request.ts';
import { registerSecret } from '../../contract/redact.ts';
import { StorageRequest } from '../../contract/storages.ts';
import { encryptedTo } from '../encryption/words.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface AddStorageOptions {
  path: string;
  credentialsFile?: string;
  limit?: string;
  default?: boolean;
  defaultFor?: string[];
  recipient?: string[];
}

/** Registers a bucket or a folder for backups. Its credentials come from a file, and are shown nowhere. */
export function addStorage(terminal: Terminal, name: string, options: AddStorageOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const daemon = daemonOf(api, 'Adding a storage');
    const request = parseRequest(StorageRequest, requestOf(name, options), 'storage');
    terminal.note(`Trying it out: ${request.path}`);
    const { path, remarks } = await daemon.addStorage(request);
    terminal.result({ name, path, remarks }, [
      `Storage ${name} is registered: ${path}. It was written to, read back and emptied again.`,
      ...remarks,
      ...(request.recipients === undefined ? [] : [encryptedTo(name, request.recipients)]),
      wordsForDefault(request),
    ]);
    return exitCodes.done;
  });
}

function requestOf(
  name: string,
  { path, credentialsFile, limit, default: forAll, defaultFor, recipient }: AddStorageOptions,
): unknown {
  if (forAll && defaultFor !== undefined) throw new UsageError('Give --default or --default-for, not both.');
  const credentials = credentialsFile === undefined ? undefined : readFileSync(credentialsFile).toString('base64');
  registerSecret(credentials);
  return {
    name,
    path: path.includes('://') ? path : pathToFileURL(resolve(path)).href,
    ...(credentials === undefined ? {} : { credentials }),
    ...(recipient === undefined ? {} : { recipients: recipient }),
    ...(limit === undefined ? {} : { limit }),
    ...(forAll ? { default_for: 'all' } : defaultFor === undefined ? {} : { default_for: defaultFor }),
  };
}

function wordsForDefault({ name, default_for }: StorageRequest): string {
  if (default_for === 'all') return 'From now on the backups of all services go there.';
  if (default_for !== undefined) return `From now on the backups of ${default_for.join(', ')} go there.`;
  return `Backups go there where it is named, or once it is a default: skybackup storages default ${name} --all.`;
}
