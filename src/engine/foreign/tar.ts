import { type Extract, extract, type Header } from 'tar-stream';
import { damaged } from './layer.ts';
import type { MemberNames } from './member-names.ts';
import { endOf, payload } from './xbstream.ts';

/** What a tar may hold beside files and folders, and how it is called when it is refused. */
const refusedTypes: Partial<Record<Header['type'], string>> = {
  link: 'is a hard link',
  symlink: 'is a symbolic link',
  'character-device': 'is a device',
  'block-device': 'is a device',
  fifo: 'is a named pipe',
};

/**
 * A tar as an mbstream: so that both are unpacked by the same tool, which writes nothing but files and is told no name that
 * was not checked. Throws `unsupported` naming what is refused, `backup_damaged` where it ends early.
 */
export async function* tarAsXbstream(
  body: AsyncIterable<Buffer>,
  names: MemberNames,
  url: string,
): AsyncGenerator<Buffer> {
  const archive = extract();
  const fed = feed(body, archive).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  fed.catch(() => {});
  try {
    for await (const entry of archive) yield* member(entry, names);
  } catch (error) {
    // The archive's own complaint comes from its bytes; everything else passes through it.
    if (
      error instanceof Error &&
      /^(?:Unexpected end|Invalid|Header exceeds|Stream was destroyed|Writable stream closed)/.test(error.message)
    ) {
      throw damaged(url, `its tar says: ${error.message}`, error);
    }
    throw error;
  }
  const ended = await fed;
  if (!ended) throw damaged(url, 'its tar has no end');
}

type Entry = AsyncIterable<unknown> & { header: Header; resume(): unknown };

async function* member(entry: Entry, names: MemberNames): AsyncGenerator<Buffer> {
  const { name, type, size, pax } = entry.header;
  if (type === 'directory') {
    names.checkFolder(name);
    entry.resume();
    return;
  }
  const isSparse = Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse'));
  if ((type !== 'file' && type !== 'contiguous-file') || isSparse) {
    throw names.refused(name, refusedTypes[type] ?? 'is stored in a way that is not read (sparse, or in parts)');
  }
  if (size < 0 || !Number.isSafeInteger(size)) throw names.refused(name, 'has no sensible size');
  const path = names.add(name);
  let offset = 0;
  for await (const chunk of entry) {
    if (!Buffer.isBuffer(chunk)) throw new Error('a tar consists of bytes');
    if (path !== undefined) yield* payload(path, offset, chunk);
    offset += chunk.length;
  }
  if (path !== undefined) yield endOf(path);
}

const endBytes = 1024;

/** Resolves whether it ended as a tar must: with two empty blocks. One that was cut off between two files lacks them. */
async function feed(body: AsyncIterable<Buffer>, archive: Extract): Promise<boolean> {
  let tail = Buffer.alloc(0);
  for await (const chunk of body) {
    tail = Buffer.concat([tail, chunk.subarray(-endBytes)]).subarray(-endBytes);
    if (!archive.write(chunk)) await drained(archive);
    if (archive.destroyed) return false;
  }
  archive.end(null);
  return tail.length === endBytes && tail.every((byte) => byte === 0);
}

/** Resolves also when it takes no more, because its reader went away. */
function drained(archive: Extract): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => {
    archive.off('drain', done);
    archive.off('close', done);
    resolve();
  };
  archive.on('drain', done);
  archive.on('close', done);
  return promise;
}
