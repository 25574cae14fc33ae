import { SkybackupError } from '../contract/errors.ts';
import type { Page } from '../contract/pages.ts';
import type { Service } from '../contract/services.ts';
import { atMost } from './at-most.ts';
import type { BackupApi, CallOptions } from './backup-api.ts';
import { cloudPage, everyRow, inOrder, type RowKeys } from './every-row.ts';
import { refusedAs400 } from './http-call.ts';
import { cut, type PageWanted } from './paging.ts';
import type { ReadList } from './read-answer.ts';

interface ListQuery extends PageWanted {
  service_id?: string | undefined;
  order?: 'asc' | 'desc' | undefined;
}

/** So many lists of services are read at once: enough to be quick, too few to be a storm. */
export const listsAtOnce = 6;

interface Lists<Q, T> {
  page(query: Q, options: CallOptions): Promise<Page<T>>;
  /** All of a service, or of all; `services` where they are known already. */
  every(query: Q, options: CallOptions, services?: readonly Service[]): Promise<T[]>;
}

/**
 * Lists of the cloud, of one service or over all. The early revision lists without `service_id`, the newer one answers 400: then
 * the services are asked one by one, and the next calls of this process begin with that.
 */
export function walkServices<Q extends ListQuery, T extends { id: number }>(
  listServices: BackupApi['listServices'],
  fetch: (query: Q, options: CallOptions) => Promise<ReadList<T>>,
): Lists<Q, T> {
  const keys: RowKeys<T> = { id: ({ id }) => id, at: ({ id }) => id };
  let mustWalk = false;

  const every = (query: Q, options: CallOptions): Promise<T[]> =>
    everyRow((part) => fetch({ ...query, ...part }, options), keys);

  async function walk(query: Q, options: CallOptions, known?: readonly Service[]): Promise<T[]> {
    const services = known ?? (await listServices(options));
    const parts = await atMost(listsAtOnce, services, ({ id }) =>
      every({ ...query, service_id: id }, options).catch(gone),
    );
    mustWalk = true;
    return parts.flat();
  }

  async function orWalk<R>(
    query: Q,
    options: CallOptions,
    ask: () => Promise<R>,
    of: (rows: T[]) => R,
    services?: readonly Service[],
  ): Promise<R> {
    if (query.service_id === undefined && mustWalk) return of(await walk(query, options, services));
    try {
      return await ask();
    } catch (error) {
      if (query.service_id !== undefined || !refusedAs400(error)) throw error;
      return of(await walk(query, options, services));
    }
  }

  return {
    page: (query, options) =>
      orWalk(
        query,
        options,
        () => cloudPage(query, (part) => fetch({ ...query, ...part }, options), keys),
        (rows) => cut(inOrder(rows, query.order ?? 'asc', keys), query),
      ),
    every: (query, options, services) =>
      orWalk(
        query,
        options,
        () => every(query, options),
        (rows) => rows,
        services,
      ),
  };
}

/** A service that vanished during the walk has nothing to list. */
function gone(error: unknown): [] {
  if (error instanceof SkybackupError && error.code === 'not_found') return [];
  throw error;
}
