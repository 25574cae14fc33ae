import type { JobContext } from '../job-context.ts';
import { type Manifest, storedBytes } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';

const reportEveryBytes = 16 * 1024 * 1024;

/** Reads everything that is stored of the backups; the repository checks length and hash of each block. Throws `backup_damaged`. */
export async function readWhole(backups: readonly Manifest[], repository: Repository, job: JobContext): Promise<void> {
  const total = backups.reduce((sum, manifest) => sum + storedBytes(manifest), 0);
  job.phase('reading', 'Reading the stored bytes, block by block against their hashes.');
  let [read, reported] = [0, 0];
  for (const manifest of backups) {
    for (const object of manifest.objects) {
      for await (const chunk of repository.read(manifest, job.signal, object)) {
        read += (chunk as Buffer).length;
        if (read - reported < reportEveryBytes && read < total) continue;
        reported = read;
        job.progress(read, total);
      }
    }
  }
}
