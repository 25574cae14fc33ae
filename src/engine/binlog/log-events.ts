import { inflateSync } from 'node:zlib';

/** Numbers of MariaDB's binary log format, version 4. */
export const eventTypes = {
  query: 2,
  stop: 3,
  rotate: 4,
  intvar: 5,
  appendBlock: 9,
  rand: 13,
  userVar: 14,
  formatDescription: 15,
  xid: 16,
  beginLoad: 17,
  tableMap: 19,
  xaPrepare: 38,
  annotateRows: 160,
  gtid: 162,
  gtidList: 163,
  compressedQuery: 165,
} as const;

export const magic = Buffer.from([0xfe, 0x62, 0x69, 0x6e]);
export const headerBytes = 19;
export const checksumBytes = 4;

export interface EventHeader {
  /** Seconds since the epoch, as the server or a session's `SET timestamp` says. */
  time: number;
  type: number;
  server: number;
  /** Bytes of the whole event. */
  length: number;
  /** Where it ends in the server's file, modulo 2^32. */
  end: number;
  flags: number;
}

export function readHeader(bytes: Buffer): EventHeader {
  return {
    time: bytes.readUInt32LE(0),
    type: bytes.readUInt8(4),
    server: bytes.readUInt32LE(5),
    length: bytes.readUInt32LE(9),
    end: bytes.readUInt32LE(13),
    flags: bytes.readUInt16LE(17),
  };
}

/** Whether these events of a file may be long: only their headers are looked into. */
export function isLookedInto({ type, length }: EventHeader): boolean {
  if (type === eventTypes.gtidList) return length <= 16 * 1024 * 1024;
  // A COMMIT is short; the text of other statements is of no interest.
  return (
    (type === eventTypes.gtid || type === eventTypes.formatDescription || type === eventTypes.query) && length <= 4096
  );
}

/** Of a format description's bytes: whether the file's events end with a CRC32. */
export function hasChecksums(event: Buffer): boolean {
  return event.readUInt8(event.length - checksumBytes - 1) === 1;
}

/** Of a Query event, compressed or not. */
export interface Query {
  database: string;
  text: string;
  /** When it had been carried out: its own time is that of its start. No `SET timestamp` forges it. */
  endedAt: number;
}

export function readQuery(header: EventHeader, event: Buffer): Query {
  const databaseLength = event.readUInt8(headerBytes + 8);
  const variablesLength = event.readUInt16LE(headerBytes + 11);
  const databaseAt = headerBytes + 13 + variablesLength;
  return {
    database: event.toString('utf8', databaseAt, databaseAt + databaseLength),
    text: textOf(header, event.subarray(databaseAt + databaseLength + 1)),
    // The server notes how long it took, counted from the time that may be forged, modulo 2^32.
    endedAt: (header.time + event.readUInt32LE(headerBytes + 4)) % 2 ** 32,
  };
}

/** A compressed text begins with how many bytes its length takes, that length, and zlib's own header. */
function textOf({ type }: EventHeader, bytes: Buffer): string {
  if (type !== eventTypes.compressedQuery) return bytes.toString('utf8');
  return inflateSync(bytes.subarray(1 + (bytes.readUInt8(0) & 7)), { maxOutputLength: longestText }).toString('utf8');
}

/** As long as a statement may get: the server's largest packet. */
const longestText = 1024 * 1024 * 1024;

export interface GtidEvent {
  domain: number;
  server: number;
  sequence: bigint;
  /** The group is one statement, without a COMMIT of its own. */
  standalone: boolean;
}

/** Events that say which rows change: of version 1 and 2, and compressed ones. */
export function changesRows({ type }: EventHeader): boolean {
  return (type >= 20 && type <= 25) || (type >= 30 && type <= 32) || (type >= 166 && type <= 171);
}

export function readGtid(header: EventHeader, event: Buffer): GtidEvent {
  return {
    domain: event.readUInt32LE(headerBytes + 8),
    server: header.server,
    sequence: event.readBigUInt64LE(headerBytes),
    standalone: (event.readUInt8(headerBytes + 12) & 1) === 1,
  };
}

/** The state with which a file begins, in the server's own order. */
export function readGtidList(event: Buffer): Omit<GtidEvent, 'standalone'>[] {
  const count = event.readUInt32LE(headerBytes) & 0x0fff_ffff;
  return Array.from({ length: count }, (_, index) => {
    const at = headerBytes + 4 + index * 16;
    return {
      domain: event.readUInt32LE(at),
      server: event.readUInt32LE(at + 4),
      sequence: event.readBigUInt64LE(at + 8),
    };
  });
}

/** Whether an event is the last of its group. */
export function endsGroup(header: EventHeader, event: Buffer | undefined, standalone: boolean): boolean {
  const { type } = header;
  if (standalone) return !preambles.has(type);
  if (type === eventTypes.xid || type === eventTypes.xaPrepare) return true;
  return type === eventTypes.query && event !== undefined && endsTransaction(event);
}

/** What comes before the statement of a group that has but one. */
const preambles: ReadonlySet<number> = new Set([
  eventTypes.intvar,
  eventTypes.rand,
  eventTypes.userVar,
  eventTypes.appendBlock,
  eventTypes.beginLoad,
]);

function endsTransaction(event: Buffer): boolean {
  const databaseLength = event.readUInt8(headerBytes + 8);
  const variablesLength = event.readUInt16LE(headerBytes + 11);
  const text = event.toString('latin1', headerBytes + 13 + variablesLength + databaseLength + 1);
  return /^(COMMIT|XA COMMIT|XA ROLLBACK)\b|^ROLLBACK(?! *(WORK )?TO\b)/i.test(text);
}
