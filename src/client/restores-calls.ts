import { isBackupId, serviceIdOf } from '../contract/ids.ts';
import { RecoveryWindows, Restore, RestoreLookup, type RestoreQuery } from '../contract/restores.ts';
import type { BackupApi, CallOptions, NewRestore, Provider } from './backup-api.ts';
import type { Http } from './http.ts';
import { bounds, refusedAs400, segment } from './http-call.ts';
import { pageOf } from './paging.ts';
import { readList, readOne, readRecord } from './read-answer.ts';
import { walkServices } from './walk-services.ts';

const base = '/skybackup/v1/restores';

type RestoresCalls = Pick<
  BackupApi,
  'listRestores' | 'getRestore' | 'createRestore' | 'deleteRestore' | 'lookupRestoreTargets' | 'lookupRecoveryWindows'
>;

/** The restores part of the Backup API. */
export function restoresCalls(
  http: Http,
  kind: Provider['kind'],
  listServices: BackupApi['listServices'],
): RestoresCalls {
  const list = walkServices<RestoreQuery, Restore>(kind, listServices, async (query, options) => {
    const answer = await http.request({ method: 'GET', path: base, query, ...bounds(options) });
    const read = readList(Restore, answer.body, 'restores', 'restore');
    if (read.count !== undefined || read.pages !== undefined) return pageOf(read, query);
    // The early form is a bare array of every restore: it is chosen from and put in order here.
    const { service_id, type, order } = query;
    const chosen = read.items.filter(
      (each) =>
        (service_id === undefined || each.service_id === service_id) && (type === undefined || each.type === type),
    );
    if (order !== undefined) chosen.sort((a, b) => (order === 'desc' ? b.id - a.id : a.id - b.id));
    return pageOf({ ...read, items: chosen }, query);
  });
  const read = (body: unknown): Restore => readOne(Restore, body, 'restores', 'restore');
  const post = async (body: object, options: CallOptions): Promise<Restore> =>
    read((await http.request({ method: 'POST', path: base, body, ...bounds(options) })).body);

  return {
    async listRestores(query = {}, options = {}) {
      const { service_id } = query;
      return list(service_id === undefined ? query : { ...query, service_id: serviceIdOf(service_id) }, options);
    },
    async getRestore(id, options = {}) {
      return read((await http.request({ method: 'GET', path: `${base}/${segment(id)}`, ...bounds(options) })).body);
    },
    async createRestore(request, options = {}) {
      const { backup_id, service_id, ...rest } = request;
      const source = sourceOf(request);
      const body = { ...rest, ...(service_id === undefined ? {} : { service_id: serviceIdOf(service_id) }) };
      try {
        return await post({ ...body, id: source }, options);
      } catch (error) {
        if (kind === 'daemon' || !refusedAs400(error) || !namesKey(error.details.upstream)) throw error;
        // The early revision calls it "key". A 400 means that nothing was started, so asking again is safe.
        return await post({ ...body, key: source }, options);
      }
    },
    async deleteRestore(id, options = {}) {
      const query = { plan_id: options.planId };
      await http.request({ method: 'DELETE', path: `${base}/${segment(id)}`, query, ...bounds(options) });
    },
    async lookupRestoreTargets(request, options = {}) {
      const body = { ...request, service_id: serviceIdOf(request.service_id) };
      const answer = await http.request({ method: 'POST', path: `${base}/lookup`, body, ...bounds(options) });
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
