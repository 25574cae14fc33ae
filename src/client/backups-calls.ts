import { Backup, type BackupQuery } from '../contract/backups.ts';
import { SkybackupError } from '../contract/errors.ts';
import { isBackupId, serviceIdOf } from '../contract/ids.ts';
import type { Page } from '../contract/pages.ts';
import { readTime } from '../contract/time.ts';
import type { BackupApi, CallOptions, Provider } from './backup-api.ts';
import { cloudPage, everyRow, type FetchPage, inOrder, type RowKeys } from './every-row.ts';
import type { Http } from './http.ts';
import { bounds, segment } from './http-call.ts';
import { cut, isWhole, pageOf } from './paging.ts';
import { type ReadList, readList, readOne } from './read-answer.ts';

const base = '/skybackup/v1/backups';

/** A backup that has not started yet is newer than all that have. */
const keys: RowKeys<Backup> = {
  id: ({ id }) => id,
  at: ({ start_time, point_in_time }) =>
    (readTime(start_time) ?? readTime(point_in_time))?.getTime() ?? Number.POSITIVE_INFINITY,
};

type BackupsCalls = Pick<BackupApi, 'listBackups' | 'getBackup'> & {
  everyBackup(query: BackupQuery, options: CallOptions): Promise<Backup[]>;
};

/** The backups part of the Backup API. */
export function backupsCalls(http: Http, kind: Provider['kind']): BackupsCalls {
  async function fetch(query: BackupQuery, options: CallOptions): Promise<ReadList<Backup>> {
    const answer = await http.request({ method: 'GET', path: base, query, ...bounds(options) });
    const list = readList(Backup, answer.body, 'backups', 'backup');
    if (!isWhole(list)) return list;
    // What comes without pages may come without regard to the query.
    const { service_id } = query;
    return { ...list, items: list.items.filter((each) => service_id === undefined || each.service_id === service_id) };
  }

  const fetcher =
    (query: BackupQuery, options: CallOptions): FetchPage<Backup> =>
    (part) =>
      fetch({ ...query, ...part }, options);

  async function listBackups(query: BackupQuery = {}, options: CallOptions = {}): Promise<Page<Backup>> {
    const { type, ...rest } = query;
    if (rest.contains !== undefined && kind === 'cloud') {
      throw new SkybackupError('unsupported', 'The cloud does not tell what its backups hold.', {
        hint: 'List the backups without "contains".',
      });
    }
    const named = rest.service_id === undefined ? rest : { ...rest, service_id: serviceIdOf(rest.service_id) };
    if (kind === 'daemon') return pageOf(await fetch(type === undefined ? named : { ...named, type }, options), query);
    if (type === undefined) return cloudPage(named, fetcher(named, options), keys);
    // The cloud cannot be asked for one type: its pages would be cut before the choice.
    const all = await everyRow(fetcher(named, options), keys);
    const chosen = all.filter((each) => each.type.toLowerCase() === type.toLowerCase());
    return cut(inOrder(chosen, query.order, keys), query);
  }

  async function getBackup(id: string, options: CallOptions = {}): Promise<Backup> {
    const unknown = new SkybackupError('not_found', `There is no backup ${id.slice(0, 200)}.`, {
      hint: 'List the backups, then call again with one of their ids.',
    });
    if (!isBackupId(id)) throw unknown;
    if (kind === 'daemon') {
      const answer = await http.request({ method: 'GET', path: `${base}/${segment(id)}`, ...bounds(options) });
      return readOne(Backup, answer.body, 'backups', 'backup');
    }
    // The cloud has no call for one backup; its id names the service to look in.
    const service_id = id.split(':')[1] ?? '';
    const has = (rows: readonly Backup[]): boolean => rows.some((each) => each.id === id);
    const found = (await everyRow(fetcher({ service_id }, options), keys, has)).find((each) => each.id === id);
    if (!found) throw unknown;
    return found;
  }

  return { listBackups, getBackup, everyBackup: (query, options) => everyRow(fetcher(query, options), keys) };
}
