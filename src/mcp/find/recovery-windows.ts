import type { BackupApi } from '../../client/backup-api.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { RecoveryWindow } from '../../contract/restores.ts';
import { timeInWords } from '../sizes-and-times.ts';

/** The recovery windows of all services. None where the provider does not tell: the rest is worth showing all the same. */
export async function knownWindows(api: BackupApi, signal: AbortSignal): Promise<RecoveryWindow[]> {
  return api.lookupRecoveryWindows({ signal }).catch((error: unknown) => {
    if (error instanceof SkybackupError && error.code !== 'cancelled') return [];
    throw error;
  });
}

/** The `most` newest windows of one service, the newest last. */
export function windowsInWords(windows: readonly RecoveryWindow[], most: number): { from: string; to: string }[] {
  return windows.slice(-most).map(({ start_time, end_time }) => ({
    from: timeInWords(start_time) ?? 'an unknown moment',
    to: timeInWords(end_time) ?? 'now',
  }));
}
