import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { openBackupApi } from '../../client/open.ts';
import { parseRequest } from '../../contract/parse-request.ts';
import { registerSecret } from '../../contract/redact.ts';
import { StorageRequest } from '../../contract/storages.ts';
import { bytesInWords } from '../../engine/plans/words.ts';
import type { ObjectStore } from '../../engine/storage/object-store.ts';
import { openStorage } from '../../engine/storage/open-storage.ts';
import { DemoFailed } from './demo-failed.ts';
import type { Sandbox } from './sandbox.ts';
import type { Screen } from './screen.ts';

/** A running S3, and where in it. */
export interface S3Place {
  /** `s3://bucket/prefix` */
  path: string;
  /** Without it: the machine's own credentials. */
  credentialsFile?: string | undefined;
}

/** Where the demo's backups go: a folder of its own in the bucket, which goes away with the sandbox. */
export interface DemoBucket {
  request: StorageRequest;
  credentialsFile: string | undefined;
  store: ObjectStore;
}

/** Throws `invalid_request` for what is no bucket; asks nothing of it yet. */
export function demoBucket({ path, credentialsFile }: S3Place, folder: string): DemoBucket {
  const credentials = credentialsFile === undefined ? undefined : readFileSync(credentialsFile).toString('base64');
  registerSecret(credentials);
  const own = { name: 'bucket', path: `${path.replace(/\/$/, '')}/${folder}`, credentials, default_for: 'all' };
  const store = openStorage(own);
  return { request: parseRequest(StorageRequest, own, 'storage'), credentialsFile, store };
}

/** Registers it as a person would, as the place where all backups go. */
export async function addBucket(
  screen: Screen,
  { request, credentialsFile }: DemoBucket,
  { settings }: Sandbox,
  signal: AbortSignal,
): Promise<void> {
  const from = credentialsFile === undefined ? '' : ` --credentials-file ${credentialsFile}`;
  screen.sent('$', `skybackup storages add ${request.name} --path ${request.path}${from} --default`);
  const api = openBackupApi(settings);
  try {
    await api.daemon?.addStorage(request, { signal });
    screen.done(`${request.path} was written to, read back and emptied again; all backups go there`);
  } finally {
    await api.close();
  }
}

/** Shows what lies in the bucket. Throws unless every backup is there whole, and nothing in the repository of the sandbox. */
export async function proveInBucket(
  screen: Screen,
  { request, store }: DemoBucket,
  { settings }: Sandbox,
  backupIds: readonly string[],
): Promise<void> {
  screen.say(`What lies in ${request.path}, asked of the bucket itself:`);
  const keys: string[] = [];
  for await (const { key, bytes } of store.list('v1/')) {
    keys.push(key);
    screen.answered(`${key}  ${bytesInWords(bytes)}`);
  }
  for (const id of backupIds) {
    const [folder = id] = id.split(':');
    const own = keys.filter((key) => key.split('/')[2] === folder);
    const isWhole = own.length > 1 && own.some((key) => key.endsWith('/manifest.json'));
    if (!isWhole) throw new DemoFailed(`the backup ${id} is not in the bucket.`);
  }
  const local = filesIn(settings.home.repository);
  if (local.length > 0) throw new DemoFailed(`there are backups in the local repository: ${local.join(', ')}.`);
  screen.done(`all ${backupIds.length} backups are in the bucket, and the local repository is empty`);
}

/** Removes everything that the demo wrote there; the daemon must be gone. */
export async function emptyBucket({ store }: DemoBucket): Promise<void> {
  for await (const { key } of store.list('')) await store.delete(key);
  await store.sweep(0);
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}
