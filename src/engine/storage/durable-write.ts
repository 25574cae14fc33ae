import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** Written bytes are brought to the disk as they come, so that the last fsync has little left to wait for. */
const syncEvery = 32 * 1024 * 1024;
const batchBytes = 1024 * 1024;

/** Writes a new file and fsyncs it, the bytes of every 32 MiB already on their way to the disk while more come. */
export async function writeDurably(path: string, source: Readable, onBytes: (bytes: number) => void): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  let early: Promise<void> | undefined;
  let [written, synced] = [0, 0];
  try {
    for await (const batch of batches(source)) {
      await writeWhole(file, batch);
      written += batch.reduce((sum, chunk) => sum + chunk.length, 0);
      onBytes(written);
      if (early !== undefined || written - synced < syncEvery) continue;
      synced = written;
      // Should it fail, the last sync fails too, and that one is heeded.
      early = file
        .datasync()
        .catch(() => {})
        .finally(() => {
          early = undefined;
        });
    }
    await file.sync();
  } finally {
    await early;
    await file.close();
  }
}

/** Chunks gathered to about a megabyte: a write for every pipe's worth of bytes costs more than the writing. */
async function* batches(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let batch: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    batch.push(chunk);
    bytes += chunk.length;
    if (bytes < batchBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/** A write may take only a part, on a disk that is nearly full for one; then the rest is written, or fails by name. */
async function writeWhole(file: FileHandle, batch: Buffer[]): Promise<void> {
  let rest = batch.filter((chunk) => chunk.length > 0);
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    rest = rest.flatMap((chunk) => {
      const taken = Math.min(bytesWritten, chunk.length);
      bytesWritten -= taken;
      return taken === chunk.length ? [] : [chunk.subarray(taken)];
    });
  }
}
