import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineContext } from '../engine-context.ts';

/** What kept data take on this machine. They never change: each is measured once. */
export class DiskSpace {
  readonly #context: Pick<EngineContext, 'state'>;
  readonly #measured = new Map<string, Promise<number>>();

  constructor(context: Pick<EngineContext, 'state'>) {
    this.#context = context;
  }

  /** Bytes that restores have set aside, by service; a service whose kept data cannot be read is left out. */
  async keptBytes(): Promise<Map<string, number>> {
    const kept = this.#context.state.coverage.kept();
    const paths = new Set(kept.map(({ kept_data }) => kept_data));
    for (const path of this.#measured.keys()) if (!paths.has(path)) this.#measured.delete(path);
    const totals = new Map<string, number>();
    for (const { service_id, kept_data } of kept) {
      const bytes = await this.bytesOf(kept_data);
      if (bytes !== undefined) totals.set(service_id, (totals.get(service_id) ?? 0) + bytes);
    }
    return totals;
  }

  /** What one kept directory takes; undefined when it cannot be read. */
  async bytesOf(path: string): Promise<number | undefined> {
    const measuring = this.#measured.get(path) ?? bytesUnder(path);
    this.#measured.set(path, measuring);
    try {
      return await measuring;
    } catch {
      // Removed meanwhile, or not ours to read: the next look tries again.
      this.#measured.delete(path);
      return undefined;
    }
  }
}

/** The bytes of all files under a directory. Throws when one cannot be looked at. */
export async function bytesUnder(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
