import { crc32c } from './crc32c.ts';

/** A piece of the stream, held until the server has it. */
export interface Chunk {
  bytes: Buffer;
  /** Nothing comes after it. */
  last: boolean;
  /** Of the whole stream up to its end. */
  crc: number;
  /** Gives its memory back for another chunk. */
  release(): void;
}

/**
 * Cuts a stream into chunks of one size; an empty stream is one empty chunk. A chunk is handed on once a byte after it has
 * come, so that the last is known as such.
 */
export async function* cutChunks(body: AsyncIterable<Buffer>, size: number): AsyncGenerator<Chunk> {
  // Memory is used again: left to the garbage collector, hundreds of megabytes pile up between its rounds.
  const spare: Buffer[] = [];
  const take = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(size);
  let [memory, filled, crc] = [take(), 0, 0];
  const chunk = (last: boolean): Chunk => {
    const whole = memory;
    return { bytes: whole.subarray(0, filled), last, crc, release: () => void spare.push(whole) };
  };
  for await (const bytes of body) {
    for (let at = 0; at < bytes.length; ) {
      if (filled === size) {
        yield chunk(false);
        filled = 0;
        memory = take();
      }
      const piece = bytes.subarray(at, at + size - filled);
      piece.copy(memory, filled);
      crc = crc32c(piece, crc);
      filled += piece.length;
      at += piece.length;
    }
  }
  yield chunk(true);
}
