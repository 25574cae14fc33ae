import { Backup, type BackupQuery } from '../contract/backups.ts';
import { SkybackupError } from '../contract/errors.ts';
import { isBackupId, serviceIdOf } from '../contract/ids.ts';
import type { Page } from '../contract/pages.ts';
import type { BackupApi, CallOptions, Provider } from './backup-api.ts';
import type { Http } from './http.ts';
import { bounds, segment } from './http-call.ts';
import { allPages, cut, pageOf } from './paging.ts';
import { readList, readOne } from './read-answer.ts';

const base = '/skybackup/v1/backups';

/** The backups part of the Backup API. */
export function backupsCalls(http: Http, kind: Provider['kind']): Pick<BackupApi, 'listBackups' | 'getBackup'> {
  async function fetchPage(query: BackupQuery, options: CallOptions): Promise<Page<Backup>> {
    const answer = await http.request({ method: 'GET', path: base, query, ...bounds(options) });
    const list = readList(Backup, answer.body, 'backups', 'backup');
    const whole = list.count === undefined && list.pages === undefined;
    // What comes without pages may come without regard to the query.
    const items = list.items.filter(
      (each) => !whole || query.service_id === undefined || each.service_id === query.service_id,
    );
    return pageOf({ ...list, items }, query);
  }

  async function listBackups(query: BackupQuery = {}, options: CallOptions = {}): Promise<Page<Backup>> {
    const { type, ...rest } = query;
    if (rest.contains !== undefined && kind === 'cloud') {
      throw new SkybackupError('unsupported', 'The cloud does not tell what its backups hold.', {
        hint: 'List the backups without "contains".',
      });
    }
    const named = rest.service_id === undefined ? rest : { ...rest, service_id: serviceIdOf(rest.service_id) };
    if (type === undefined) return fetchPage(named, options);
    if (kind === 'daemon') return fetchPage({ ...named, type }, options);
    // The cloud cannot be asked for one type: its pages would be cut before the choice.
    const all = await allPages((page, page_size) => fetchPage({ ...named, page, page_size }, options));
    return cut(
      all.filter((each) => each.type.toLowerCase() === type.toLowerCase()),
      query,
    );
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
    const found = (
      await allPages(
        (page, page_size) => fetchPage({ service_id, order: 'desc', page, page_size }, options),
        (items) => items.some((each) => each.id === id),
      )
    ).find((each) => each.id === id);
    if (!found) throw unknown;
    return found;
  }

  return { listBackups, getBackup };
}
