import { createHash } from 'node:crypto';
import { SkybackupError } from '../../../contract/errors.ts';
import type { ObjectLock } from '../../../contract/storages.ts';
import type { S3Connection } from './connection.ts';

const dayMs = 24 * 60 * 60_000;
const modes = { governance: 'GOVERNANCE', compliance: 'COMPLIANCE' } as const;

/** What a request says that makes an object which is to be kept; nothing without a lock. */
export function lockOf(lock: ObjectLock | undefined) {
  if (lock === undefined) return {};
  return {
    ObjectLockMode: modes[lock.mode],
    ObjectLockRetainUntilDate: new Date(Date.now() + lock.days * dayMs),
  };
}

/** Where objects are locked, servers demand this of whatever is sent, though the signed hash says the same. */
export function md5Of(bytes: Buffer, lock: ObjectLock | undefined): { ContentMD5?: string } {
  return lock === undefined ? {} : { ContentMD5: createHash('md5').update(bytes).digest('base64') };
}

/** Whether the bucket locks objects; servers that know no such thing say so in many ways. */
export async function hasObjectLock(connection: S3Connection): Promise<boolean> {
  try {
    const found = await connection.ask({ action: 'read', key: '' }, (calls, signal) => calls.objectLock({}, signal));
    return found.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  } catch (error) {
    if (error instanceof SkybackupError && unknownTo.has(String(error.details.reason))) return false;
    throw error;
  }
}

const unknownTo = new Set([
  'ObjectLockConfigurationNotFoundError',
  'NotImplemented',
  'MethodNotAllowed',
  'InvalidRequest',
]);
