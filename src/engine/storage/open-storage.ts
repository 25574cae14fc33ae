import { fileURLToPath } from 'node:url';
import { decodeCredentials } from '../../contract/credentials.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { ObjectLock } from '../../contract/storages.ts';
import { gcsStore } from './gcs/gcs-store.ts';
import { localDirectory } from './local-directory.ts';
import type { ObjectStore } from './object-store.ts';
import { type Patience, patient } from './retry.ts';
import { s3Store } from './s3/s3-store.ts';

/** Where objects lie, and with whose rights: without credentials with those of the daemon's machine. */
export interface StorageAccess {
  /** `s3://bucket/prefix`, `gs://bucket/prefix` or `file:///folder`. */
  path: string;
  /** As the contract has them: base64 of an INI text (S3) or of a service-account key (GCS). */
  credentials?: string | undefined;
  object_lock?: ObjectLock | undefined;
}

/**
 * Opens the object store of a path; nothing is asked of it yet. Throws `invalid_request` for a path or credentials of no kind.
 * `patience` is for those that are reached over a network.
 */
export function openStorage(
  { path, credentials, object_lock }: StorageAccess,
  patience: Patience = patient,
): ObjectStore {
  const given = credentials === undefined ? undefined : decodeCredentials(credentials);
  const [scheme] = /^[a-z0-9]+(?=:\/\/)/.exec(path) ?? [];
  if (scheme === 's3' && given?.kind !== 'gcs')
    return s3Store(path, { credentials: given, patience, objectLock: object_lock });
  if (scheme === 'gs' && given?.kind !== 's3') return gcsStore(path, { credentials: given, patience });
  if (scheme === 'file' && given === undefined) return localDirectory(fileURLToPath(path));
  if (scheme === 's3' || scheme === 'gs' || scheme === 'file') {
    throw new SkybackupError('invalid_request', `The credentials are not of the kind that ${scheme}:// takes.`, {
      hint: 'Give an INI text with aws_access_key_id and aws_secret_access_key for s3://, a service-account key for gs://, and none for file://.',
    });
  }
  throw new SkybackupError('invalid_request', `"${path.slice(0, 200)}" is not the path of a storage.`, {
    hint: 'Write s3://bucket/prefix, gs://bucket/prefix or file:///folder.',
  });
}
