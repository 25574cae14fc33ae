import { SkybackupError } from '../../contract/errors.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';

/** Compressed to less than a tenth is rare: with less free than that, hours of copying would end in a full disk. */
export async function checkSpace(repository: BackupRepository, estimate: number): Promise<void> {
  const free = await repository.freeBytes();
  const needed = Math.ceil(estimate / 10);
  if (free === undefined || free >= needed) return;
  throw new SkybackupError(
    'no_space',
    `The storage ${repository.url} has ${free} bytes free, and a backup of ${estimate} bytes needs at least ${needed}.`,
    { details: { needed, free } },
  );
}

/** The error of a store that filled up, told as the backup's; any other as it is. */
export function noSpaceMidway(error: unknown, service: ServiceRecord, estimate: number | undefined): unknown {
  if (!(error instanceof SkybackupError) || error.code !== 'no_space') return error;
  const size = estimate === undefined ? '' : ` (about ${estimate} bytes before compression)`;
  return new SkybackupError('no_space', `The backup of ${service.id}${size} stopped: ${error.message}`, {
    details: { ...error.details, estimate },
    cause: error,
  });
}
