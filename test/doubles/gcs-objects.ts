import { createHash, randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const blockBytes = 256 * 1024;

/** An object, its bytes in a file. */
export interface StoredObject {
  name: string;
  path: string;
  size: number;
  generation: number;
  crc32c: string;
  md5Hash: string;
  metadata: Record<string, string>;
  updated: Date;
}

/** A resumable upload. */
export interface Session {
  readonly name: string;
  /** Bytes that are safe: a multiple of 256 KiB until it is whole. */
  readonly received: number;
  /** Once it is whole. */
  readonly object: StoredObject | undefined;
  /** What is still on its way from an earlier request is not taken any more. */
  follow(): Writer;
  /** Of what was received. */
  crc32c(): string;
  finish(): StoredObject;
  discard(): void;
}

/** Takes the bytes of one request. */
export interface Writer {
  take(bytes: Buffer): void;
  /** All that was taken is safe; without it, what does not fill a block is lost. */
  keepAll(): void;
}

/** The objects of one bucket, and the uploads that may become some. Both outlive the server's connections. */
export function gcsObjects(folder: string) {
  const objects = new Map<string, StoredObject>();
  const sessions = new Map<string, Session>();
  let generation = Date.now() * 1000;

  function begin(name: string, metadata: Record<string, string>): string {
    const id = randomUUID();
    const path = join(folder, id);
    const file = openSync(path, 'wx', 0o600);
    const md5 = createHash('md5');
    let [crc, received] = [0, 0];
    let object: StoredObject | undefined;
    let writer: Writer | undefined;
    const write = (bytes: Buffer): void => {
      writeSync(file, bytes);
      md5.update(bytes);
      crc = castagnoli(bytes, crc);
      received += bytes.length;
    };
    const follow = (): Writer => {
      let held: Buffer[] = [];
      let heldBytes = 0;
      const flush = (bytes: number): void => {
        const all = Buffer.concat(held);
        write(all.subarray(0, bytes));
        held = [all.subarray(bytes)];
        heldBytes -= bytes;
      };
      const own: Writer = {
        take(bytes) {
          if (writer !== own) return;
          held.push(bytes);
          heldBytes += bytes.length;
          if (heldBytes >= blockBytes) flush(heldBytes - (heldBytes % blockBytes));
        },
        keepAll() {
          if (writer === own) flush(heldBytes);
        },
      };
      writer = own;
      return own;
    };
    sessions.set(id, {
      name,
      get received() {
        return received;
      },
      get object() {
        return object;
      },
      follow,
      crc32c() {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(crc);
        return bytes.toString('base64');
      },
      finish() {
        const crc32c = this.crc32c();
        closeSync(file);
        generation += 1;
        const md5Hash = md5.digest('base64');
        object = { name, path, size: received, generation, crc32c, md5Hash, metadata, updated: new Date() };
        objects.set(name, object);
        return object;
      },
      discard() {
        sessions.delete(id);
        if (object !== undefined) return;
        closeSync(file);
        unlinkSync(path);
      },
    });
    return id;
  }

  return {
    objects,
    sessions,
    begin,
    /** Uploads that are neither whole nor given up, by the names they are for. */
    unfinished: () => [...sessions.values()].filter(({ object }) => object === undefined).map(({ name }) => name),
    remove({ name, path }: StoredObject) {
      objects.delete(name);
      // Who reads it has it open.
      unlinkSync(path);
    },
  };
}

/** The bytes' CRC32C, going on from that of earlier ones; one table, no tricks. */
function castagnoli(bytes: Buffer, before: number): number {
  let crc = ~before;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});
