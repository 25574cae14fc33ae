/** The first bytes of a stream, and the stream as it was before they were looked at. */
export interface Peeked {
  head: Buffer;
  whole: AsyncIterable<Buffer>;
}

/** Reads at least so many bytes, or up to the end of a shorter stream, and puts them back. */
export async function peek(input: AsyncIterable<Buffer>, wanted: number): Promise<Peeked> {
  const iterator = input[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let [bytes, ended] = [0, false];
  while (bytes < wanted && !ended) {
    const next = await iterator.next();
    if (next.done) ended = true;
    else {
      chunks.push(next.value);
      bytes += next.value.length;
    }
  }
  const head = Buffer.concat(chunks);
  return { head, whole: put(head, iterator, ended) };
}

async function* put(head: Buffer, iterator: AsyncIterator<Buffer>, ended: boolean): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    while (!ended) {
      const next = await iterator.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
