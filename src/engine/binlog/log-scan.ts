import { Transform, type TransformCallback } from 'node:stream';
import { crc32 } from 'node:zlib';
import { SkybackupError } from '../../contract/errors.ts';
import type { Gtid } from '../mariadb/gtid.ts';
import { GtidState } from './gtid-state.ts';
import {
  checksumBytes,
  type EventHeader,
  endsGroup,
  eventTypes,
  hasChecksums,
  headerBytes,
  isLookedInto,
  magic,
  readGtid,
  readGtidList,
  readHeader,
  readQuery,
} from './log-events.ts';

/** What a binary log holds. Times are seconds since the epoch, not before the log was opened nor after it was closed. */
export interface LogContents {
  bytes: number;
  /** Where the last event ends in the server's file, modulo 2^32. */
  end: number;
  /** The GTID state before its first transaction and after its last. */
  gtidsBefore: string;
  gtidsAfter: string;
  transactions: number;
  openedAt: number;
  /** Undefined when the server died over it. */
  closedAt: number | undefined;
  /** Of the first and the newest transaction. */
  firstEventAt: number | undefined;
  lastEventAt: number | undefined;
}

/** A transaction of a log, as it ends. */
export interface LoggedTransaction {
  gtid: Gtid;
  /** When it was committed, as far as the log tells: seconds since the epoch. */
  time: number;
  /** Bytes of the file before it, and up to its end. */
  begin: number;
  end: number;
}

/** What else is wanted of a log while it passes. */
export interface LogWatch {
  /** Of which events the bytes are wanted; they are then held in memory whole. */
  wants?(header: EventHeader): boolean;
  /** Each event, with its bytes (without checksum) if they were wanted. */
  event?(header: EventHeader, bytes: Buffer | undefined): void;
  transaction?(transaction: LoggedTransaction): void;
  /** Called after each event: `end` is where it ends in the server's file, `bytes` where it ends here. */
  passed?(header: EventHeader, bytes: number): void;
}

interface CurrentEvent {
  header: EventHeader;
  /** Whether its bytes are kept. */
  whole: boolean;
  /** Bytes still to come, and how many of them are covered by the checksum. */
  left: number;
  covered: number;
  crc: number;
  /** The whole event so far, when it is looked into; else its last bytes only. */
  pieces: Buffer[];
}

/**
 * Passes a binary log through, checking the chain of its events and each one's CRC32, and notes what it holds. The
 * text that mariadb-binlog makes of a log is not read for this: a statement's own text can look like its notes.
 */
export class LogScan extends Transform {
  readonly #name: string;
  readonly #state = new GtidState();
  #gtidsBefore = '';
  #bytes = 0;
  #transactions = 0;
  #checksums = false;
  #openedAt: number | undefined;
  #closedAt: number | undefined;
  #first: number | undefined;
  #last: number | undefined;
  #end = 0;
  /** The transaction whose end has not come yet. */
  #open: { gtid: Gtid; standalone: boolean; time: number; begin: number } | undefined;
  /** Bytes of a magic or a header that is not whole yet. */
  #head = Buffer.alloc(0);
  #event: CurrentEvent | undefined;
  readonly #watch: LogWatch;

  constructor(name: string, watch: LogWatch = {}) {
    super({ highWaterMark: 1024 * 1024 });
    this.#name = name;
    this.#watch = watch;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      for (let at = 0; at < chunk.length; ) {
        at += this.#event === undefined ? this.#takeHead(chunk.subarray(at)) : this.#takeBody(chunk.subarray(at));
      }
      done(null, chunk);
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    if (this.#event !== undefined || this.#head.length > 0) done(this.#damaged('it ends in the middle of an event'));
    else if (this.#openedAt === undefined) done(this.#damaged('it is empty'));
    else done();
  }

  /** After the end of the stream. */
  contents(): LogContents {
    const openedAt = this.#openedAt ?? 0;
    // SET timestamp forges the times of events, never those of the log's own beginning and end.
    const latest = this.#closedAt ?? Math.floor(Date.now() / 1000);
    const bounded = (time: number | undefined): number | undefined =>
      time === undefined ? undefined : Math.max(openedAt, Math.min(time, latest));
    return {
      bytes: this.#bytes,
      end: this.#end,
      gtidsBefore: this.#gtidsBefore,
      gtidsAfter: this.#state.toString(),
      transactions: this.#transactions,
      openedAt,
      closedAt: this.#closedAt,
      firstEventAt: bounded(this.#first),
      lastEventAt: bounded(this.#last),
    };
  }

  #takeHead(chunk: Buffer): number {
    const wanted = this.#bytes < magic.length ? magic.length : headerBytes;
    const piece = chunk.subarray(0, wanted - this.#head.length);
    this.#head = Buffer.concat([this.#head, piece]);
    if (this.#head.length < wanted) return piece.length;
    const head = this.#head;
    this.#head = Buffer.alloc(0);
    if (wanted === magic.length) {
      if (!head.equals(magic)) throw this.#damaged('it does not begin as a binary log');
      this.#bytes = magic.length;
      return piece.length;
    }
    const header = readHeader(head);
    if (this.#openedAt === undefined && header.type !== eventTypes.formatDescription) {
      throw this.#damaged('it does not begin with its format description');
    }
    // A format description has a checksum whatever it says of the others.
    const tail = this.#checksums || header.type === eventTypes.formatDescription ? checksumBytes : 0;
    if (header.length < headerBytes + tail) throw this.#damaged(`an event claims ${header.length} bytes`);
    this.#event = {
      header,
      whole: isLookedInto(header) || (this.#watch.wants?.(header) ?? false),
      left: header.length - headerBytes,
      covered: header.length - headerBytes - tail,
      crc: crc32(forChecksum(header, head)),
      pieces: [head],
    };
    if (this.#event.left === 0) this.#finish(this.#event);
    return piece.length;
  }

  #takeBody(chunk: Buffer): number {
    const event = this.#event;
    if (event === undefined) return 0;
    const piece = chunk.subarray(0, event.left);
    const covered = piece.subarray(0, event.covered);
    event.crc = crc32(covered, event.crc);
    event.covered -= covered.length;
    event.left -= piece.length;
    if (event.whole) event.pieces.push(piece);
    else event.pieces = [lastBytes([...event.pieces, piece])];
    if (event.left === 0) this.#finish(event);
    return piece.length;
  }

  #finish(event: CurrentEvent): void {
    this.#event = undefined;
    const { header } = event;
    const bytes = Buffer.concat(event.pieces);
    if (header.type === eventTypes.formatDescription && event.whole) this.#checksums = hasChecksums(bytes);
    // A format description has one even where the other events have none.
    const checked = this.#checksums || header.type === eventTypes.formatDescription;
    if (checked && bytes.readUInt32LE(bytes.length - checksumBytes) !== event.crc) {
      throw this.#damaged('the checksum of an event is wrong');
    }
    const whole = event.whole ? bytes.subarray(0, checked ? -checksumBytes : undefined) : undefined;
    this.#watch.event?.(header, whole);
    this.#note(header, whole);
    this.#bytes += header.length;
    this.#end = header.end;
    this.#watch.passed?.(header, this.#bytes);
  }

  #note(header: EventHeader, event: Buffer | undefined): void {
    const { type, time } = header;
    if (type === eventTypes.formatDescription) this.#openedAt ??= time;
    else if (type === eventTypes.rotate || type === eventTypes.stop) this.#close(time);
    else if (type === eventTypes.gtidList && event !== undefined) {
      for (const gtid of readGtidList(event)) this.#state.add(gtid);
      this.#gtidsBefore = this.#state.toString();
    } else if (type === eventTypes.gtid && event !== undefined) {
      this.#commit();
      const { standalone, ...gtid } = readGtid(header, event);
      this.#open = { gtid, standalone, time, begin: this.#bytes };
    } else if (this.#open !== undefined) {
      this.#open.time = Math.max(this.#open.time, time);
      if (!endsGroup(header, event, this.#open.standalone)) return;
      // A long ALTER, say, carries the time of its start, and how long it took.
      if (type === eventTypes.query && event !== undefined) this.#open.time = readQuery(header, event).endedAt;
      this.#commit(header.length);
    }
  }

  #close(time: number): void {
    this.#commit();
    this.#closedAt = Math.max(time, this.#openedAt ?? 0);
  }

  /** A transaction without its end, when the log was not closed, never was one: the server rolled it back. */
  #commit(lastEvent = 0): void {
    if (this.#open === undefined) return;
    const { gtid, time, begin } = this.#open;
    this.#open = undefined;
    this.#state.add(gtid);
    this.#transactions += 1;
    this.#first ??= time;
    this.#last = Math.max(this.#last ?? 0, time);
    this.#watch.transaction?.({ gtid, time, begin, end: this.#bytes + lastEvent });
  }

  #damaged(why: string): SkybackupError {
    return new SkybackupError(
      'backup_failed',
      `The binary log ${this.#name} is damaged at byte ${this.#bytes}: ${why}.`,
      {
        hint: `Take a full backup now. Once it is there, PURGE BINARY LOGS to the one after ${this.#name}: archiving then goes on, and says that there is a gap.`,
        details: { log: this.#name, position: this.#bytes },
        retryable: false,
      },
    );
  }
}

/** The mark that a file is in use is set and taken away without making its checksum anew. */
function forChecksum(header: EventHeader, head: Buffer): Buffer {
  if (header.type !== eventTypes.formatDescription) return head;
  const bytes = Buffer.from(head);
  bytes.writeUInt16LE(header.flags & ~1, 17);
  return bytes;
}

function lastBytes(pieces: Buffer[]): Buffer {
  const bytes = Buffer.concat(pieces.map((piece) => piece.subarray(-checksumBytes)));
  return bytes.subarray(-checksumBytes);
}
