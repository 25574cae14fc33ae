import type { BackupApi, CallOptions, DaemonApi } from '../../client/backup-api.ts';
import type { Settings } from '../../client/settings.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { isBackupId, serviceIdOf } from '../../contract/ids.ts';
import type { Page } from '../../contract/pages.ts';
import type { Health, ServiceHealth } from '../../contract/service-health.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { worstOf } from '../../contract/verdict.ts';
import { takenAt } from '../find/backup.ts';

/** The API as this process may see it. */
export function visibleApi({ api, settings }: { api: BackupApi; settings: Pick<Settings, 'services'> }): BackupApi {
  return settings.services === undefined ? api : onlyServices(api, settings.services);
}

/**
 * The API as if only `visible` services existed (SKYBACKUP_SERVICES): in every list, count, id and look-up, as source and as target.
 * What belongs to another service answers exactly like what does not exist, so that nobody learns what there is to ask for.
 */
function onlyServices(api: BackupApi, visible: readonly string[]): BackupApi {
  const sees = (id: string | undefined): boolean => id !== undefined && visible.includes(id);

  function missing(thing: string, id: string | number): SkybackupError {
    return new SkybackupError('not_found', `There is no ${thing} ${id}.`);
  }
  function need(serviceId: string): void {
    if (!sees(serviceId)) throw missing('service', serviceId);
  }
  async function found<T>(get: Promise<T>): Promise<T | undefined> {
    return get.catch((error: unknown) => {
      if (error instanceof SkybackupError && error.code === 'not_found') return undefined;
      throw error;
    });
  }
  /** Hidden and unknown end in the same words. */
  async function own<T extends Owned>(thing: string, id: string | number, get: Promise<T>): Promise<T> {
    const it = await found(get);
    if (it === undefined || !sees(it.service_id)) throw missing(thing, id);
    return it;
  }
  /** Asked service by service, because a count over all of them would count the hidden ones. */
  async function pageOf<T extends Owned>(
    query: Paged,
    list: ListPart<T>,
    newestFirst: (a: T, b: T) => number,
  ): Promise<Page<T>> {
    const { page = 1, page_size: size = 100, service_id, order = 'desc' } = query;
    if (service_id !== undefined) need(service_id);
    const [only, ...others] = service_id === undefined ? visible : [service_id];
    if (only === undefined) return { items: [], count: 0, pages: 1 };
    // Whose lists know no services answers with all there is.
    const ofOne = async (part: Parameters<ListPart<T>>[0]): Promise<Page<T>> => {
      const { items, ...rest } = await list(part);
      return { ...rest, items: items.filter((item) => item.service_id === part.service_id) };
    };
    if (others.length === 0) return ofOne({ service_id: only, page, page_size: size, order });
    const all: T[] = [];
    let count = 0;
    for (const id of [only, ...others]) {
      // What stands behind so many of its own cannot come within so many of all.
      let left = page * size;
      for (let at = 1, pages = 1; at <= pages && left > 0; at += 1) {
        const part = await ofOne({ service_id: id, page: at, page_size: 100, order });
        if (at === 1) count += part.count;
        all.push(...part.items);
        left -= part.items.length;
        pages = part.items.length > 0 ? part.pages : at;
      }
    }
    all.sort((a, b) => (order === 'desc' ? newestFirst(a, b) : newestFirst(b, a)));
    return { items: all.slice((page - 1) * size, page * size), count, pages: Math.max(1, Math.ceil(count / size)) };
  }
  /** A restore whose backup is another service's keeps that id to itself; with a point in time the source is the service's own id. */
  function withoutHiddenSource<T extends { backup_id?: string | undefined; key?: string | undefined }>(restore: T): T {
    const from = restore.backup_id ?? restore.key ?? '';
    const source = sourceOf(from) ?? (from.includes('/') ? undefined : serviceIdOf(from));
    return source === undefined || source === '' || sees(source)
      ? restore
      : { ...restore, backup_id: undefined, key: undefined };
  }
  /** Onto which hidden service a backup was restored is nobody's business here. */
  function withoutHiddenTarget({ last_proven_restore: proven, ...health }: ServiceHealth): ServiceHealth {
    return proven === undefined || proven.onto === undefined || sees(proven.onto)
      ? { ...health, ...(proven && { last_proven_restore: proven }) }
      : health;
  }

  return {
    ...api,
    listServices: async (options) => (await api.listServices(options)).filter(({ id }) => sees(id)),
    async getService(id, options) {
      need(id);
      return api.getService(id, options);
    },
    async setPower(id, active, options) {
      need(id);
      return api.setPower(id, active, options);
    },
    listBackups: (query = {}, options) =>
      pageOf(
        query,
        (part) => api.listBackups({ ...query, ...part }, options),
        (a, b) => takenAt(b) - takenAt(a),
      ),
    getBackup: (id, options) => own('backup', id, api.getBackup(id, options)),
    listSchedules: (query = {}, options) =>
      pageOf(
        query,
        (part) => api.listSchedules({ ...query, ...part }, options),
        (a, b) => b.id - a.id,
      ),
    getSchedule: (id, options) => own('schedule', id, api.getSchedule(id, options)),
    async createSchedule(request, options) {
      need(request.service_id);
      return api.createSchedule(request, options);
    },
    async updateSchedule(id, patch, options) {
      await own('schedule', id, api.getSchedule(id, options));
      return api.updateSchedule(id, patch, options);
    },
    async deleteSchedule(id, options) {
      await own('schedule', id, api.getSchedule(id, options));
      return api.deleteSchedule(id, options);
    },
    async listRestores(query = {}, options) {
      const page = await pageOf(
        query,
        (part) => api.listRestores({ ...query, ...part }, options),
        (a, b) => b.id - a.id,
      );
      return { ...page, items: page.items.map(withoutHiddenSource) };
    },
    getRestore: async (id, options) => withoutHiddenSource(await own('restore', id, api.getRestore(id, options))),
    async createRestore(request, options) {
      if (request.service_id === undefined || (request.target === 'new' && !sees(request.service_id))) {
        throw new SkybackupError('invalid_request', 'SKYBACKUP_SERVICES would hide a new service of another name.', {
          hint: `Give the new service one of these ids, as far as they are free: ${visible.join(', ')}.`,
        });
      }
      need(request.service_id);
      need(sourceOf(request.backup_id) ?? request.backup_id);
      return api.createRestore(request, options);
    },
    async deleteRestore(id, options) {
      await own('restore', id, api.getRestore(id, options));
      return api.deleteRestore(id, options);
    },
    async lookupRestoreTargets(request, options) {
      need(request.service_id);
      return (await api.lookupRestoreTargets(request, options)).filter(({ service_id }) => sees(service_id));
    },
    lookupRecoveryWindows: async (options) =>
      (await api.lookupRecoveryWindows(options)).filter(({ service_id }) => sees(service_id)),
    async getHealth(serviceId, options) {
      if (serviceId !== undefined) need(serviceIdOf(serviceId));
      const ids = serviceId === undefined ? visible : [serviceIdOf(serviceId)];
      const parts: Health[] = [];
      for (const id of ids) {
        const part = await found(api.getHealth(id, options));
        if (part !== undefined) parts.push(part);
      }
      return {
        at: parts[0]?.at ?? toRfc3339(new Date()),
        verdict: worstOf(parts.map(({ verdict }) => verdict)),
        services: parts.flatMap(({ services }) => services).map(withoutHiddenTarget),
      };
    },
    listStorages: async (options) =>
      (await api.listStorages(options)).map(
        ({ default_for, services, backups: _all, storage_bytes: _bytes, ...storage }) => ({
          ...storage,
          // How much lies there would tell of others.
          ...(default_for === undefined
            ? {}
            : { default_for: Array.isArray(default_for) ? default_for.filter(sees) : default_for }),
          ...(services === undefined ? {} : { services: services.filter(sees) }),
        }),
      ),
    daemon: api.daemon && ownParts(api.daemon, { need, own, pageOf, getBackup: api.getBackup }),
  };
}

interface Paged {
  page?: number | undefined;
  page_size?: number | undefined;
  order?: 'asc' | 'desc' | undefined;
  service_id?: string | undefined;
}
type ListPart<T> = (part: {
  service_id: string;
  page: number;
  page_size: number;
  order: 'asc' | 'desc';
}) => Promise<Page<T>>;

interface Owned {
  service_id: string;
}

interface Sight {
  need(serviceId: string): void;
  own<T extends Owned>(thing: string, id: string | number, get: Promise<T>): Promise<T>;
  pageOf<T extends Owned>(query: Paged, list: ListPart<T>, newestFirst: (a: T, b: T) => number): Promise<Page<T>>;
  getBackup: BackupApi['getBackup'];
}

function ownParts(daemon: DaemonApi, { need, own, pageOf, getBackup }: Sight): DaemonApi {
  return {
    ...daemon,
    async deleteBackup(id, options) {
      await own('backup', id, getBackup(id, options));
      return daemon.deleteBackup(id, options);
    },
    async getContents(id, query, options) {
      await own('backup', id, getBackup(id, options));
      return daemon.getContents(id, query, options);
    },
    async verifyBackup(id, checks, options) {
      await own('backup', id, getBackup(id, options));
      return daemon.verifyBackup(id, checks, options);
    },
    listVerifications: (query = {}, options) =>
      pageOf(
        query,
        (part) => daemon.listVerifications({ ...query, ...part }, options),
        (a, b) => b.id - a.id,
      ),
    getVerification: (id, options) => own('verification', id, daemon.getVerification(id, options)),
    async findTransactions(serviceId, query, options) {
      need(serviceIdOf(serviceId));
      return daemon.findTransactions(serviceId, query, options);
    },
    async getRetention(serviceId, options) {
      need(serviceId);
      return daemon.getRetention(serviceId, options);
    },
    async setRetention(serviceId, policy, options) {
      need(serviceId);
      return daemon.setRetention(serviceId, policy, options);
    },
    getJob: (id: number, options?: CallOptions) => own('job', id, daemon.getJob(id, options)),
    async cancelJob(id, options) {
      await own('job', id, daemon.getJob(id, options));
      return daemon.cancelJob(id, options);
    },
  };
}

/** The service a backup is of, from its id. */
function sourceOf(backupId: string): string | undefined {
  return isBackupId(backupId) ? backupId.split(':')[1] : undefined;
}
