import type { DefaultFor } from '../../contract/storages.ts';

/** What a storage stays the default of when another becomes that of `services`: one service has one default. */
export function yielded(had: DefaultFor | undefined, services: DefaultFor): DefaultFor | undefined {
  if (had === undefined) return undefined;
  if (had === 'all' || services === 'all') return had === services ? undefined : had;
  const left = had.filter((id) => !services.includes(id));
  if (left.length === had.length) return had;
  return left.length === 0 ? undefined : left;
}
