import { createHash, type Hash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

/**
 * Passes bytes through and hashes each block of `blockBytes` (the last may be shorter). Not the whole besides: that would be
 * as much work once more, the most that this process does for a backup, and prove nothing that the blocks do not.
 */
export class BlockHash extends Transform {
  readonly #blockBytes: number;
  readonly #blocks: string[] = [];
  #block: Hash | undefined;
  #inBlock = 0;
  #bytes = 0;

  constructor(blockBytes: number) {
    super({ highWaterMark: 1024 * 1024 });
    this.#blockBytes = blockBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (const piece of cutAtBlocks(chunk, this.#inBlock, this.#blockBytes)) {
      this.#block ??= createHash('sha256');
      this.#block.update(piece);
      this.#inBlock += piece.length;
      if (this.#inBlock === this.#blockBytes) this.#closeBlock();
    }
    this.#bytes += chunk.length;
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    this.#closeBlock();
    done();
  }

  /** After the end of the stream. */
  result(): { bytes: number; block_bytes: number; blocks: string[] } {
    return { bytes: this.#bytes, block_bytes: this.#blockBytes, blocks: this.#blocks };
  }

  #closeBlock(): void {
    if (this.#block !== undefined) this.#blocks.push(this.#block.digest('hex'));
    this.#block = undefined;
    this.#inBlock = 0;
  }
}

/** A chunk cut where a block ends, the first piece continuing a block that holds `inBlock` bytes already. */
export function* cutAtBlocks(chunk: Buffer, inBlock: number, blockBytes: number): Generator<Buffer> {
  let at = 0;
  let room = blockBytes - inBlock;
  while (at < chunk.length) {
    const piece = chunk.subarray(at, at + room);
    yield piece;
    at += piece.length;
    room = blockBytes;
  }
}
