import { createHash } from 'node:crypto';
import { SkybackupError } from '../../contract/errors.ts';
import { cutAtBlocks } from './block-hash.ts';
import type { StoredObject } from './manifest.ts';

/**
 * The object's bytes, each block handed on only once its hash was found right: no damaged byte reaches a restore.
 * Holds about one block: the next is read while the last quarter of the one before is still being taken.
 */
export async function* checkedBlocks(
  source: AsyncIterable<Buffer>,
  backupId: string,
  object: StoredObject,
): AsyncGenerator<Buffer> {
  const blocks = new BlockReader(source, backupId, object);
  let next = blocks.read();
  for (;;) {
    const block = await next;
    if (block === undefined) return;
    const readAhead = Math.floor((block.length * 3) / 4);
    for (const [index, piece] of block.entries()) {
      if (index === readAhead) {
        next = blocks.read();
        // It is awaited above, unless the reader goes away before.
        next.catch(() => {});
      }
      yield piece;
      block[index] = released;
    }
  }
}

const released = Buffer.alloc(0);

/** Cuts the source into blocks and checks each against what was written. Throws `backup_damaged`. */
class BlockReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #id: string;
  readonly #object: StoredObject;
  /** Bytes that came with the block before and belong to the next. */
  #rest: Buffer = released;
  #block = 0;

  constructor(source: AsyncIterable<Buffer>, backupId: string, object: StoredObject) {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#id = backupId;
    this.#object = object;
  }

  /** The next block's bytes, in pieces; undefined after the last. */
  async read(): Promise<Buffer[] | undefined> {
    const { bytes, block_bytes: blockBytes, blocks } = this.#object;
    const expected = Math.min(blockBytes, bytes - this.#block * blockBytes);
    if (expected <= 0) {
      if ((await this.#chunk()) !== undefined) throw this.#damaged(`it is longer than the ${bytes} bytes written`);
      return undefined;
    }
    const hash = createHash('sha256');
    const pieces: Buffer[] = [];
    for (let got = 0; got < expected; ) {
      const chunk = await this.#chunk();
      if (chunk === undefined) {
        throw this.#damaged(`it ends after ${this.#block * blockBytes + got} of ${bytes} bytes`);
      }
      const [piece = released] = cutAtBlocks(chunk, got, expected);
      this.#rest = chunk.subarray(piece.length);
      hash.update(piece);
      pieces.push(piece);
      got += piece.length;
    }
    if (hash.digest('hex') !== blocks[this.#block]) throw this.#damaged('its bytes are not those that were written');
    this.#block += 1;
    return pieces;
  }

  async #chunk(): Promise<Buffer | undefined> {
    for (;;) {
      const rest = this.#rest;
      this.#rest = released;
      if (rest.length > 0) return rest;
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#rest = next.value;
    }
  }

  #damaged(why: string): SkybackupError {
    const { key, blocks } = this.#object;
    const block = Math.min(this.#block + 1, blocks.length);
    return new SkybackupError(
      'backup_damaged',
      `The backup ${this.#id} is damaged in block ${block} of ${blocks.length} of ${key}: ${why}.`,
      { details: { backup_id: this.#id, key, block, blocks: blocks.length } },
    );
  }
}
