import { SkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { BackupRepository } from '../repository/repository.ts';

export interface Publication {
  repository: BackupRepository;
  /** The fencing check, right before the backup comes to be; throws to forbid that. */
  beforePublish: () => void | Promise<void>;
}

/** Makes a stored object a backup, or removes it again: whatever fails here, a cancel included, leaves nothing. */
export async function publishBackup(
  { repository, beforePublish }: Publication,
  manifest: Manifest,
  job: JobContext,
): Promise<void> {
  try {
    job.signal.throwIfAborted();
    await beforePublish();
    await repository.publish(manifest);
  } catch (error) {
    await repository.remove(manifest.service_id, manifest.id);
    throw error;
  }
}

/** Takes a backup; whatever a cancel broke first, the error then says that it was the cancel. */
export async function orCancelled<T>(backupId: string, job: JobContext, take: () => Promise<T>): Promise<T> {
  try {
    return await take();
  } catch (error) {
    if (!job.signal.aborted) throw error;
    throw new SkybackupError('cancelled', `The backup ${backupId} was cancelled; nothing of it was kept.`, {
      cause: error,
    });
  }
}
