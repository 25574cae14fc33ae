import { Transform, type TransformCallback } from 'node:stream';

const marker = Buffer.from('\n--\n-- Current Database: `');
const afterName = Buffer.from('\n--\n\n');
const use = Buffer.from('USE ');
const keptBytes = 64 * 1024;

/**
 * A dump on its way to the compressor. Keeps its head and tail for the position and the mark of completion, counts its
 * bytes, and puts the accounts between the tables and the views: a view on another view is refused while its definer is
 * missing, and a grant on a table while the table is. `early` comes before the first database.
 */
export class SqlStream extends Transform {
  readonly #accounts: Buffer;
  #early: Buffer;
  /** Bytes that may be the beginning of the place for the accounts. */
  #held: Buffer = Buffer.alloc(0);
  #placed = false;
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer[] = [];
  #tailBytes = 0;
  /** All bytes so far, the accounts included. */
  bytes = 0;
  /** The longest line's bytes, or a few more: of a table's rows each is one. */
  longestLine = 0;
  /** Of the line that goes on in the next chunk. */
  #openLine = 0;

  constructor(accounts: string, early = '') {
    super({ highWaterMark: 1024 * 1024 });
    this.#accounts = Buffer.from(accounts);
    this.#early = Buffer.from(early);
  }

  /** The first 64 KiB of the dump itself. */
  get head(): string {
    return this.#head.toString('utf8');
  }

  /** At least its last 64 KiB. */
  get tail(): string {
    return Buffer.concat(this.#tail).toString('utf8');
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#keep(chunk);
    this.#measure(chunk);
    if (this.#placed) this.#give(chunk);
    else this.#look(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]));
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#give(this.#held);
    if (!this.#placed) this.#give(this.#accounts);
    done();
  }

  #give(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.bytes += bytes.length;
    this.push(bytes);
  }

  /** Lines within one chunk are shorter than it, and counted as one: only the longest of all matter. */
  #measure(chunk: Buffer): void {
    const [first, last] = [chunk.indexOf('\n'), chunk.lastIndexOf('\n')];
    const ended = this.#openLine + (first < 0 ? chunk.length : first);
    this.longestLine = Math.max(this.longestLine, ended, last - first);
    this.#openLine = first < 0 ? ended : chunk.length - last - 1;
  }

  #keep(chunk: Buffer): void {
    if (this.#head.length < keptBytes) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, keptBytes - this.#head.length)]);
    }
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    for (let first = this.#tail[0]; first && this.#tailBytes - first.length >= keptBytes; first = this.#tail[0]) {
      this.#tail.shift();
      this.#tailBytes -= first.length;
    }
  }

  /** Databases come twice: first with CREATE DATABASE and their tables, then, with USE alone, with their views. */
  #look(chunk: Buffer): void {
    const bytes = this.#giveEarly(chunk);
    for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) {
      const end = bytes.indexOf(afterName, at + marker.length);
      const next = end + afterName.length;
      if (end < 0 || next + use.length > bytes.length) {
        this.#hold(bytes, at);
        return;
      }
      if (!bytes.subarray(next, next + use.length).equals(use)) continue;
      this.#placed = true;
      this.#held = Buffer.alloc(0);
      this.#give(bytes.subarray(0, at + 1));
      this.#give(this.#accounts);
      this.#give(bytes.subarray(at + 1));
      return;
    }
    this.#hold(bytes, beginningOf(marker, bytes));
  }

  /** Up to the first database, and what goes before it; returns the rest. */
  #giveEarly(bytes: Buffer): Buffer {
    const at = this.#early.length === 0 ? -1 : bytes.indexOf(marker);
    if (at < 0) return bytes;
    this.#give(bytes.subarray(0, at + 1));
    this.#give(this.#early);
    this.#early = Buffer.alloc(0);
    return bytes.subarray(at + 1);
  }

  #hold(bytes: Buffer, from: number): void {
    this.#give(bytes.subarray(0, from));
    this.#held = bytes.subarray(from);
  }
}

/** Where a beginning of `wanted` stands at the very end of `bytes`; their length where none does. */
function beginningOf(wanted: Buffer, bytes: Buffer): number {
  for (let from = Math.max(0, bytes.length - wanted.length + 1); from < bytes.length; from += 1) {
    if (bytes.subarray(from).equals(wanted.subarray(0, bytes.length - from))) return from;
  }
  return bytes.length;
}
