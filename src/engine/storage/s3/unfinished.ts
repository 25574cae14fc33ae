import { reasonOf } from '../failure.ts';
import type { S3Connection } from './connection.ts';

/** Parts of an upload that was neither completed nor given up; a server keeps and charges them for ever. */
export interface Upload {
  /** Of the object, as the bucket has it. */
  name: string;
  uploadId: string;
}

interface Begun extends Upload {
  initiated: Date;
}

const rounds = 5;

/**
 * Gives an upload up and sees to it that no part remains: a part that was still on its way may arrive after the first
 * request to give up, and then stays.
 */
export async function discardUpload(connection: S3Connection, { name, uploadId }: Upload): Promise<void> {
  const upload = { Key: name, UploadId: uploadId };
  const asked = { action: 'deleted', key: name, tries: 3 } as const;
  for (let round = 1; ; round += 1) {
    try {
      await connection.ask(asked, (calls, signal) => calls.abortUpload(upload, signal));
      await connection.ask(asked, (calls, signal) => calls.listParts({ ...upload, MaxParts: 1 }, signal));
    } catch (error) {
      if (reasonOf(error) === 'NoSuchUpload') return;
      if (round === rounds) throw error;
    }
    if (round === rounds) return;
  }
}

/** Gives up what else was begun under its name: where an answer got lost, nobody knows the upload that it told of. */
export async function discardOthers(connection: S3Connection, { name, uploadId }: Upload): Promise<void> {
  for await (const other of uploadsUnder(connection, name)) {
    if (other.name === name && other.uploadId !== uploadId) await discardUpload(connection, other);
  }
}

/** Gives up the uploads under a name whose newest part is older than that; returns how many. */
export async function sweepUploads(
  connection: S3Connection,
  under: string,
  { olderThanMs, active }: { olderThanMs: number; active: ReadonlySet<string> },
): Promise<number> {
  let swept = 0;
  for await (const upload of uploadsUnder(connection, under)) {
    if (active.has(upload.uploadId)) continue;
    // Servers tell whole seconds, some of them rounded up: none of it is younger than no time at all.
    if (olderThanMs > 0 && (await untouchedMs(connection, upload)) < olderThanMs) continue;
    await discardUpload(connection, upload);
    swept += 1;
  }
  return swept;
}

async function* uploadsUnder(connection: S3Connection, under: string): AsyncIterable<Begun> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await connection.ask({ action: 'listed', key: under }, (calls, signal) =>
      calls.listUploads({ Prefix: under, ...marker }, signal),
    );
    for (const { Key: name, UploadId: uploadId, Initiated: initiated } of page.Uploads ?? []) {
      if (name !== undefined && uploadId !== undefined) yield { name, uploadId, initiated: initiated ?? new Date(0) };
    }
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return;
    marker = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }),
    };
  }
}

/**
 * How long nothing has come to it, by the server's clock. Not since it began: an upload that began days ago may be another
 * daemon's and still run.
 */
async function untouchedMs(connection: S3Connection, { name, uploadId, initiated }: Begun): Promise<number> {
  let newest = initiated.getTime();
  let now = Date.now();
  let marker: { PartNumberMarker?: string } = {};
  for (;;) {
    const page = await connection.ask({ action: 'listed', key: name }, async (calls, signal) => {
      const answer = await calls.listParts({ Key: name, UploadId: uploadId, ...marker }, signal);
      now = Date.now() + calls.clockOffsetMs();
      return answer;
    });
    for (const { LastModified } of page.Parts ?? []) newest = Math.max(newest, LastModified?.getTime() ?? 0);
    if (!page.IsTruncated || page.NextPartNumberMarker === undefined) return now - newest;
    marker = { PartNumberMarker: page.NextPartNumberMarker };
  }
}
