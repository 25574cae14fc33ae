import { createHash } from 'node:crypto';
import { reasonOf } from '../failure.ts';
import type { FenceKind, StoreFeatures } from '../object-store.ts';
import type { S3Connection } from './connection.ts';
import { discardUpload } from './unfinished.ts';

const bytes = Buffer.from('skybackup looks what this storage can do\n');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const onlyIfAbsent = { IfNoneMatch: '*' };

/** Tries out, on a key of its own, what servers differ in. The key is free again afterwards. */
export async function findFeatures(connection: S3Connection, scratch: string): Promise<StoreFeatures> {
  const Key = connection.nameOf(scratch);
  const asked = { action: 'written', key: scratch } as const;
  const put = (hash: string, more = {}) =>
    connection.ask(asked, (calls, signal) =>
      calls.put({ Key, Body: bytes, ContentLength: bytes.length, ...more }, hash, signal),
    );
  const remove = () =>
    connection.ask({ action: 'deleted', key: scratch }, (calls, signal) => calls.remove({ Key }, signal));

  const complete = async (): Promise<void> => {
    const { UploadId = '' } = await connection.ask(asked, (calls, signal) => calls.createUpload({ Key }, signal));
    const upload = { Key, UploadId };
    try {
      const part = { ...upload, PartNumber: 1, Body: bytes, ContentLength: bytes.length };
      const { ETag } = await connection.ask(asked, (calls, signal) => calls.uploadPart(part, sha256, signal));
      const all = { ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] }, ...onlyIfAbsent };
      await connection.ask(asked, (calls, signal) => calls.completeUpload(all, signal));
    } finally {
      await discardUpload(connection, { name: Key, uploadId: UploadId });
    }
  };

  try {
    // Sent with the hash of other bytes.
    const damaged = await accepts(() =>
      connection.ask({ ...asked, tries: 1 }, (calls, signal) =>
        calls.put({ Key, Body: bytes, ContentLength: bytes.length }, createHash('sha256').digest('hex'), signal),
      ),
    );
    await remove();
    await put(sha256);
    return {
      putIfAbsent: {
        whole: await fence(() => put(sha256, onlyIfAbsent)),
        inParts: await fence(complete),
      },
      checksPayload: !damaged,
      clockOffsetMs: await connection.ask(asked, async (calls) => calls.clockOffsetMs()),
    };
  } finally {
    await remove().catch(() => {});
  }
}

async function accepts(send: () => Promise<unknown>): Promise<boolean> {
  return send().then(
    () => true,
    () => false,
  );
}

/** What becomes of a second object that is sent with the wish to be refused. */
async function fence(send: () => Promise<unknown>): Promise<FenceKind> {
  try {
    await send();
    return 'ignored';
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === 'PreconditionFailed' || reason === 'ConditionalRequestConflict') return 'kept';
    if (reason === 'NotImplemented' || reason === 'InvalidArgument') return 'unknown';
    throw error;
  }
}
