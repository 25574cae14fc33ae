import { createHash } from 'node:crypto';
import { nextPartBytes, type PartPlan } from './part-plan.ts';

/** A piece of the stream, held until the server has it. */
export interface Part {
  number: number;
  bytes: Buffer;
  /** SHA-256 in hex: signed with the request, so that what arrives otherwise is refused. */
  sha256: string;
  /** Nothing comes after it. */
  last: boolean;
  /** Gives its memory back for another part. */
  release(): void;
}

/**
 * Cuts a stream into parts by the plan; an empty stream is one empty part. A part is handed on once a byte after it has
 * come, so that the last is known as such.
 */
export async function* cutParts(body: AsyncIterable<Buffer>, plan: PartPlan): AsyncGenerator<Part> {
  // Memory is used again: left to the garbage collector, hundreds of megabytes pile up between its rounds.
  let spare: Buffer[] = [];
  const take = (bytes: number): Buffer => {
    spare = spare.filter(({ length }) => length === bytes);
    return spare.pop() ?? Buffer.allocUnsafeSlow(bytes);
  };
  let [number, sent, filled] = [1, 0, 0];
  let memory = take(nextPartBytes(plan, sent));
  let hash = createHash('sha256');
  const part = (last: boolean): Part => {
    const whole = memory;
    return {
      number,
      bytes: whole.subarray(0, filled),
      sha256: hash.digest('hex'),
      last,
      release: () => void spare.push(whole),
    };
  };
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      if (filled === memory.length) {
        yield part(false);
        number += 1;
        sent += filled;
        filled = 0;
        memory = take(nextPartBytes(plan, sent));
        hash = createHash('sha256');
      }
      const piece = chunk.subarray(at, at + memory.length - filled);
      piece.copy(memory, filled);
      hash.update(piece);
      filled += piece.length;
      at += piece.length;
    }
  }
  yield part(true);
}
