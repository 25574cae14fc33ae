import type { SkybackupError } from '../../contract/errors.ts';
import { damaged } from './layer.ts';

/** A stream read by so many bytes at a time. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Buffer>;
  readonly #early: () => SkybackupError;
  #held: Buffer = Buffer.alloc(0);

  /** `early`: what to throw where it ends in the middle of something. */
  constructor(input: AsyncIterable<Buffer>, early: () => SkybackupError) {
    this.#iterator = input[Symbol.asyncIterator]();
    this.#early = early;
  }

  async atEnd(): Promise<boolean> {
    while (this.#held.length === 0) if (!(await this.#more())) return true;
    return false;
  }

  /** Exactly so many: few, since they are held together. */
  async read(bytes: number): Promise<Buffer> {
    while (this.#held.length < bytes) if (!(await this.#more())) throw this.#early();
    return this.#take(bytes);
  }

  /** Exactly so many, as they come. */
  async *pieces(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0; ) {
      if (await this.atEnd()) throw this.#early();
      const piece = this.#take(Math.min(left, this.#held.length));
      left -= piece.length;
      yield piece;
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }

  async #more(): Promise<boolean> {
    const next = await this.#iterator.next();
    if (next.done) return false;
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return true;
  }
}

export function endedEarly(url: string): SkybackupError {
  return damaged(url, 'it ends in the middle of a file');
}
