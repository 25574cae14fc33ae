// Apart from the schemas of storages, so that the start of the MCP server does not load those.
import type { DefaultFor } from './storages.ts';

/** The daemon's own repository, in its home: there from the start, and never taken off the list. */
export const localStorage = 'local';

/** Where a service's backups go unless something else is said: what names the service comes before what names all. */
export function defaultStorageOf(
  storages: readonly { name: string; default_for?: DefaultFor | undefined }[],
  serviceId: string,
): string {
  const own = storages.find(({ default_for }) => default_for !== 'all' && default_for?.includes(serviceId));
  return (own ?? storages.find(({ default_for }) => default_for === 'all'))?.name ?? localStorage;
}
