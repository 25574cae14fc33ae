import { restoredFrom } from '../contract/either-revision.ts';
import { isBackupId, serviceIdOf } from '../contract/ids.ts';
import { RecoveryWindows, Restore, RestoreLookup, type RestoreQuery } from '../contract/restores.ts';
import type { Service } from '../contract/services.ts';
import type { BackupApi, CallOptions, NewRestore, Provider } from './backup-api.ts';
import type { Http } from './http.ts';
import { bounds, refusedAs400, segment } from './http-call.ts';
import { createOnce, readOutcome } from './lost-answer.ts';
import { isWhole, pageOf } from './paging.ts';
import { type ReadList, readList, readOne, readRecord } from './read-answer.ts';
import { walkServices } from './walk-services.ts';

const base = '/skybackup/v1/restores';

type RestoresCalls = Pick<
  BackupApi,
  'listRestores' | 'getRestore' | 'createRestore' | 'deleteRestore' | 'lookupRestoreTargets' | 'lookupRecoveryWindows'
> & { everyRestore(query: RestoreQuery, options: CallOptions, services?: readonly Service[]): Promise<Restore[]> };

/** The restores part of the Backup API. */
export function restoresCalls(
  http: Http,
  kind: Provider['kind'],
  listServices: BackupApi['listServices'],
): RestoresCalls {
  const fetch = async (query: RestoreQuery, options: CallOptions): Promise<ReadList<Restore>> => {
    const answer = await http.request({ method: 'GET', path: base, query, ...bounds(options) });
    const list = readList(Restore, answer.body, 'restores', 'restore');
    if (!isWhole(list)) return list;
    // The early form is a bare array of every restore: it is chosen from here.
    const { service_id, type } = query;
    const items = list.items.filter(
      (each) =>
        (service_id === undefined || each.service_id === service_id) && (type === undefined || each.type === type),
    );
    return { ...list, items };
  };
  const lists = walkServices<RestoreQuery, Restore>(listServices, fetch);
  const read = (body: unknown): Restore => readOne(Restore, body, 'restores', 'restore');
  const post = async (body: object, options: CallOptions): Promise<Restore> =>
    readOutcome(read, (await http.request({ method: 'POST', path: base, body, ...bounds(options) })).body);

  return {
    async listRestores(query = {}, options = {}) {
      const { service_id } = query;
      const named = service_id === undefined ? query : { ...query, service_id: serviceIdOf(service_id) };
      return kind === 'daemon' ? pageOf(await fetch(named, options), named) : lists.page(named, options);
    },
    everyRestore: lists.every,
    async getRestore(id, options = {}) {
      return read((await http.request({ method: 'GET', path: `${base}/${segment(id)}`, ...bounds(options) })).body);
    },
    async createRestore(request, options = {}) {
      const { backup_id, service_id, ...rest } = request;
      const source = sourceOf(request);
      const body = { ...rest, ...(service_id === undefined ? {} : { service_id: serviceIdOf(service_id) }) };
      if (kind === 'daemon') return post({ ...body, id: source }, options);
      const start = async (): Promise<Restore> => {
        try {
          return await post({ ...body, id: source }, options);
        } catch (error) {
          if (!refusedAs400(error) || !namesKey(error.details.upstream)) throw error;
          // The early revision calls it "key". A 400 means that nothing was started, so asking again is safe.
          return await post({ ...body, key: source }, options);
        }
      };
      const target = body.service_id;
      return createOnce(
        {
          thing: 'restore',
          list: async (bounded) =>
            (await lists.page({ service_id: target, order: 'desc', page: 1, page_size: 100 }, bounded)).items,
          isIt: (made) => {
            const from = restoredFrom(made);
            // Of a point in time or a foreign object the cloud may tell another source than was asked for.
            return from === undefined || from === source || !isBackupId(source);
          },
          post: start,
        },
        options,
      );
    },
    async deleteRestore(id, options = {}) {
      const query = { plan_id: options.planId };
      await http.request({ method: 'DELETE', path: `${base}/${segment(id)}`, query, ...bounds(options) });
    },
    async lookupRestoreTargets(request, options = {}) {
      const body = { ...request, service_id: serviceIdOf(request.service_id) };
      const answer = await http.request({
        method: 'POST',
        path: `${base}/lookup`,
        body,
        asks: true,
        ...bounds(options),
      });
      return readRecord(RestoreLookup, answer.body ?? {}, 'list of targets').services;
    },
    async lookupRecoveryWindows(options = {}) {
      const path = `${base}/pointintime/lookup`;
      const answer = await http.request({ method: 'GET', path, ...bounds(options) });
      return readRecord(RecoveryWindows, answer.body ?? {}, 'list of recovery windows').services;
    },
  };
}

/** With a point in time the source may be a service: then its domain name is as good as its id. */
function sourceOf({ backup_id, point_in_time, gtid, before_gtid }: NewRestore): string {
  const isService =
    (point_in_time ?? gtid ?? before_gtid) !== undefined && !isBackupId(backup_id) && !backup_id.includes('/');
  return isService ? serviceIdOf(backup_id) : backup_id;
}

function namesKey(words: unknown): boolean {
  const message = String(words ?? '');
  return /(^|[^\w.-])key\b/i.test(message) && !/\bapi[ _-]?key\b/i.test(message);
}
