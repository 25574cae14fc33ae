import { crc32 } from 'node:zlib';
import { ByteReader, endedEarly } from './byte-reader.ts';
import { damaged } from './layer.ts';
import type { MemberNames } from './member-names.ts';

const magic = Buffer.from('XBSTCK01');
const fixedBytes = magic.length + 1 + 1 + 4;
const longestName = 512;
/** The tool that unpacks holds a chunk in memory; mariadb-backup makes none larger than some ten MiB. */
const largestChunk = 256 * 1024 * 1024;

/** One piece of a file, and before it what says so. */
export function payload(path: string, offset: number, bytes: Buffer): Buffer[] {
  const rest = Buffer.alloc(20);
  rest.writeBigUInt64LE(BigInt(bytes.length), 0);
  rest.writeBigUInt64LE(BigInt(offset), 8);
  rest.writeUInt32LE(crc32(bytes), 16);
  return [chunk('P', path), rest, bytes];
}

/** The end of a file. */
export function endOf(path: string): Buffer {
  return chunk('E', path);
}

function chunk(type: string, path: string): Buffer {
  const name = Buffer.from(path);
  const head = Buffer.alloc(fixedBytes);
  magic.copy(head);
  head.writeUInt8(type.charCodeAt(0), magic.length + 1);
  head.writeUInt32LE(name.length, magic.length + 2);
  return Buffer.concat([head, name]);
}

/**
 * An mbstream, written anew with every name checked: what the tool that unpacks is given was all understood here. Throws
 * `unsupported` naming what is refused, `backup_damaged` where it ends early.
 */
export async function* checkedXbstream(
  body: AsyncIterable<Buffer>,
  names: MemberNames,
  url: string,
): AsyncGenerator<Buffer> {
  const reader = new ByteReader(body, () => endedEarly(url));
  const nameOf = async (length: number): Promise<string> => {
    if (length === 0 || length >= longestName) throw damaged(url, 'a name in it has no sensible length');
    return (await reader.read(length)).toString('utf8');
  };
  /** Files that were begun and not ended, and where each is written; undefined for one that is left out. */
  const open = new Map<string, string | undefined>();
  while (!(await reader.atEnd())) {
    const head = await reader.read(fixedBytes);
    if (!head.subarray(0, magic.length).equals(magic)) throw damaged(url, 'a chunk of it does not begin as one');
    const type = String.fromCharCode(head.readUInt8(magic.length + 1));
    const name = await nameOf(head.readUInt32LE(magic.length + 2));
    if (type === 'D') {
      yield chunk('D', names.forget(name));
      continue;
    }
    if (type === 'R') {
      const from = names.forget(name);
      const to = await nameOf((await reader.read(4)).readUInt32LE());
      names.forget(to);
      const path = names.add(to);
      if (path === undefined) throw names.refused(to, 'is no file of a backup');
      yield chunk('R', from);
      yield Buffer.concat([lengthOf(path), Buffer.from(path)]);
      continue;
    }
    if (!open.has(name)) open.set(name, names.add(name));
    const path = open.get(name);
    if (type === 'E') {
      open.delete(name);
      if (path !== undefined) yield chunk('E', path);
    } else if (type === 'S') {
      const by = await reader.read(8);
      if (path !== undefined) yield Buffer.concat([chunk('S', path), by]);
    } else if (type === 'P') {
      const rest = await reader.read(20);
      const length = rest.readBigUInt64LE(0);
      if (length > BigInt(largestChunk)) throw names.refused(name, 'comes in a chunk that is too large');
      if (path !== undefined) yield Buffer.concat([chunk('P', path), rest]);
      for await (const piece of reader.pieces(Number(length))) if (path !== undefined) yield piece;
    } else {
      throw damaged(url, 'a chunk of it is of no known type');
    }
  }
  const [unfinished] = open.keys();
  if (unfinished !== undefined) throw endedEarly(url);
}

function lengthOf(path: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(Buffer.byteLength(path));
  return bytes;
}
