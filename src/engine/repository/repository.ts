import type { Readable } from 'node:stream';
import type { Manifest } from './manifest.ts';

/** The catalogue of one object store. The repository is the truth; the state store only indexes it. */
export interface Repository {
  readonly url: string;
  manifest(serviceId: string, backupId: string): Promise<Manifest | undefined>;
  /** Every published backup, read from the manifests alone. Damaged manifests are reported through `onDamaged` and left out. */
  catalogue(onDamaged: (key: string, reason: string) => void): AsyncIterable<Manifest>;
  /**
   * The object's bytes with every block checked against the manifest before it is handed on.
   * Fails with `backup_damaged` naming the backup and the block.
   */
  read(manifest: Manifest, signal: AbortSignal): Readable;
}
