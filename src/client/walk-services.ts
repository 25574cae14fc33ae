import { SkybackupError } from '../contract/errors.ts';
import type { Page } from '../contract/pages.ts';
import type { BackupApi, CallOptions, Provider } from './backup-api.ts';
import { refusedAs400 } from './http-call.ts';
import { allPages, cut, type PageWanted } from './paging.ts';

interface ListQuery extends PageWanted {
  service_id?: string | undefined;
  order?: 'asc' | 'desc' | undefined;
}

/**
 * Lists over all services. The early cloud lists without `service_id`, the newer one answers 400: then every service is asked
 * in turn, and the next calls of this process begin with that.
 */
export function walkServices<Q extends ListQuery, T extends { id: number }>(
  kind: Provider['kind'],
  listServices: BackupApi['listServices'],
  fetchPage: (query: Q, options: CallOptions) => Promise<Page<T>>,
): (query: Q, options: CallOptions) => Promise<Page<T>> {
  let mustWalk = false;

  async function walk(query: Q, options: CallOptions): Promise<Page<T>> {
    const all: T[] = [];
    for (const { id } of await listServices(options)) {
      const ofService = (page: number, page_size: number): Promise<Page<T>> =>
        fetchPage({ ...query, service_id: id, page, page_size }, options);
      all.push(...(await allPages(ofService).catch(gone)));
    }
    all.sort((a, b) => (query.order === 'desc' ? b.id - a.id : a.id - b.id));
    return cut(all, query);
  }

  return async (query, options) => {
    if (query.service_id !== undefined || kind === 'daemon') return fetchPage(query, options);
    if (mustWalk) return walk(query, options);
    try {
      return await fetchPage(query, options);
    } catch (error) {
      if (!refusedAs400(error)) throw error;
      const page = await walk(query, options);
      mustWalk = true;
      return page;
    }
  };
}

/** A service that vanished during the walk has nothing to list. */
function gone(error: unknown): [] {
  if (error instanceof SkybackupError && error.code === 'not_found') return [];
  throw error;
}
