import { SkybackupError } from '../../contract/errors.ts';
import type { DefaultFor } from '../../contract/storages.ts';

export function localIsDefault(): SkybackupError {
  return new SkybackupError('invalid_request', 'The local storage is where backups go that no other is default for.', {
    hint: 'Take the default from another storage: "skybackup storages default <name> --none".',
  });
}

export function inWords(defaultFor: DefaultFor): string {
  return defaultFor === 'all' ? 'all services' : defaultFor.join(', ');
}

export function taken(message: string, hint: string): SkybackupError {
  return new SkybackupError('conflict', message, { hint, retryable: false });
}
