import { SkybackupError } from '../../contract/errors.ts';
import type { DefaultFor } from '../../contract/storages.ts';

export function localIsDefault(): SkybackupError {
  return new SkybackupError('invalid_request', 'The local storage is where backups go that no other is default for.', {
    hint: 'Take the default from another storage: "skybackup storages default <name> --none".',
  });
}

function inWords(defaultFor: DefaultFor): string {
  return defaultFor === 'all' ? 'all services' : defaultFor.join(', ');
}

export function taken(message: string, hint: string): SkybackupError {
  return new SkybackupError('conflict', message, { hint, retryable: false });
}

export function localIsUnlimited(): SkybackupError {
  return new SkybackupError('invalid_request', 'The local storage has no limit.', {
    hint: 'A limit is for what lies behind a network: name another storage.',
  });
}

export function backsUpTo({ id, service_id }: { id: number; service_id: string }, name: string): SkybackupError {
  return taken(`Schedule ${id} of ${service_id} backs up to "${name}".`, 'Delete the schedule first.');
}

export function isDefaultOf(services: DefaultFor, name: string): SkybackupError {
  return taken(
    `"${name}" is the default of ${inWords(services)}.`,
    `First: skybackup storages default ${name} --none.`,
  );
}
