import { z } from 'zod';
import { AuditEntry } from '../contract/audit.ts';
import { BackupContents } from '../contract/contents.ts';
import { serviceIdOf } from '../contract/ids.ts';
import { Job } from '../contract/jobs.ts';
import { Plan } from '../contract/plans.ts';
import { FoundTransactions } from '../contract/recovery.ts';
import { KeptCopies, Restore } from '../contract/restores.ts';
import { Retention } from '../contract/retention.ts';
import { Health } from '../contract/service-health.ts';
import { Service } from '../contract/services.ts';
import { Storage, StorageCheck } from '../contract/storages.ts';
import { Verification } from '../contract/verifications.ts';
import type { BackupApi, CallOptions, DaemonApi } from './backup-api.ts';
import type { Http } from './http.ts';
import { bounds, segment } from './http-call.ts';
import { pageOf } from './paging.ts';
import { readList, readRecord } from './read-answer.ts';

const base = '/skybackup/v1';
const services = '/provisioning/v1/services';
const retentionOf = (serviceId: string): string => `${base}/services/${segment(serviceIdOf(serviceId))}/retention`;
/** Making a managed server takes longer than an ordinary call. */
const registerMs = 180_000;
/** A storage is asked a dozen things, each more than once where it is slow to answer. */
const storageMs = 180_000;

const Asked = z.looseObject({ nonce: z.string() });
const StartedJob = z.looseObject({ job_id: z.number().int() });
const CreatedKey = z.looseObject({ id: z.string(), key: z.string(), role: z.string() });
const ListedKey = z.looseObject({
  id: z.string(),
  role: z.string(),
  name: z.string().exactOptional(),
  created_at: z.string(),
  last_used_at: z.string().exactOptional(),
  revoked_at: z.string().exactOptional(),
});

/** A daemon judges the coverage of its services itself. */
export function daemonHealthCall(http: Http): BackupApi['getHealth'] {
  return async (serviceId, options = {}) => {
    const query = { service_id: serviceId === undefined ? undefined : serviceIdOf(serviceId) };
    const { body } = await http.request({ method: 'GET', path: `${base}/health`, query, ...bounds(options) });
    return readRecord(Health, body, 'health report');
  };
}

/** A daemon keeps its storages itself. */
export function daemonStoragesCall(http: Http): BackupApi['listStorages'] {
  return async (options = {}) => {
    const { body } = await http.request({ method: 'GET', path: `${base}/storages`, ...bounds(options) });
    return readList(Storage, body, 'storages', 'storage').items;
  };
}

/** What only a daemon can do. */
export function daemonCalls(http: Http): DaemonApi {
  const get = async (path: string, options: CallOptions): Promise<unknown> =>
    (await http.request({ method: 'GET', path, ...bounds(options) })).body;
  const post = async (path: string, body: unknown, options: CallOptions): Promise<unknown> =>
    (await http.request({ method: 'POST', path, body, ...bounds(options) })).body;
  const remove = async (path: string, options: CallOptions): Promise<unknown> =>
    (await http.request({ method: 'DELETE', path, ...bounds(options) })).body;
  const plan = (body: unknown): Plan => readRecord(Plan, body, 'plan');
  const verification = (body: unknown): Verification => readRecord(Verification, body, 'verification');
  const job = (body: unknown): Job => readRecord(Job, body, 'job');

  return {
    registerService: async (request, options = {}) =>
      readRecord(Service, await post(services, request, { deadlineMs: registerMs, ...options }), 'service'),
    forgetService: async (id, options = {}) => void (await remove(`${services}/${segment(serviceIdOf(id))}`, options)),
    removeService: async (id, typed_id, options = {}) => {
      const query = { data: 'remove', typed_id };
      const path = `${services}/${segment(serviceIdOf(id))}`;
      const answer = await http.request({ method: 'DELETE', path, query, ...bounds(options) });
      return readRecord(StartedJob, answer.body, 'job');
    },

    lockService: async (id, request, options = {}) =>
      readRecord(Service, await post(`${services}/${segment(serviceIdOf(id))}/lock`, request, options), 'service'),
    unlockService: async (id, options = {}) =>
      readRecord(Service, await remove(`${services}/${segment(serviceIdOf(id))}/lock`, options), 'service'),

    undoRestore: async (id, options = {}) => {
      const query = { plan_id: options.planId };
      const path = `${base}/restores/${segment(id)}/undo`;
      const { body } = await http.request({ method: 'POST', path, query, body: {}, ...bounds(options) });
      return readRecord(Restore, body, 'restore');
    },
    listKeptCopies: async (options = {}) =>
      readRecord(KeptCopies, await get(`${base}/restores/kept`, options), 'list of kept data').kept,
    removeKeptCopy: async (id, typed_id, options = {}) => {
      const path = `${base}/restores/${segment(id)}/kept`;
      await http.request({ method: 'DELETE', path, query: { typed_id }, ...bounds(options) });
    },

    deleteBackup: async (id, options = {}) => {
      const query = { plan_id: options.planId };
      await http.request({ method: 'DELETE', path: `${base}/backups/${segment(id)}`, query, ...bounds(options) });
    },
    getContents: async (id, query = {}, options = {}) => {
      const path = `${base}/backups/${segment(id)}/contents`;
      const { body } = await http.request({ method: 'GET', path, query, ...bounds(options) });
      return readRecord(BackupContents, body, 'contents of a backup');
    },
    verifyBackup: async (id, checks = {}, options = {}) =>
      verification(await post(`${base}/backups/${segment(id)}/verify`, checks, options)),
    listVerifications: async (query = {}, options = {}) => {
      const { service_id } = query;
      const named = service_id === undefined ? query : { ...query, service_id: serviceIdOf(service_id) };
      const path = `${base}/verifications`;
      const { body } = await http.request({ method: 'GET', path, query: named, ...bounds(options) });
      return pageOf(readList(Verification, body, 'verifications', 'verification'), query);
    },
    getVerification: async (id, options = {}) =>
      verification(await get(`${base}/verifications/${segment(id)}`, options)),
    findTransactions: async (serviceId, query = {}, options = {}) => {
      const path = `${base}/restores/pointintime/${segment(serviceIdOf(serviceId))}/transactions`;
      const { body } = await http.request({ method: 'GET', path, query, ...bounds(options) });
      return readRecord(FoundTransactions, body, 'transactions');
    },
    getRetention: async (serviceId, options = {}) => {
      const query = { dry_run: options.dryRun ? 'true' : undefined };
      const answer = await http.request({ method: 'GET', path: retentionOf(serviceId), query, ...bounds(options) });
      return readRecord(Retention, answer.body, 'retention');
    },
    setRetention: async (serviceId, body, options = {}) => {
      const query = { dry_run: options.dryRun ? 'true' : undefined, plan_id: options.planId };
      const answer = await http.request({
        method: 'PUT',
        path: retentionOf(serviceId),
        query,
        body,
        ...bounds(options),
      });
      return readRecord(Retention, answer.body, 'retention');
    },

    addStorage: async (request, options = {}) =>
      readRecord(
        StorageCheck,
        await post(`${base}/storages`, request, { deadlineMs: storageMs, ...options }),
        'storage',
      ),
    checkStorage: async (name, options = {}) => {
      const path = `${base}/storages/${segment(name)}/check`;
      return readRecord(StorageCheck, await post(path, {}, { deadlineMs: storageMs, ...options }), 'storage');
    },
    setStorageDefault: async (name, default_for, options = {}) => {
      const path = `${base}/storages/${segment(name)}`;
      await http.request({ method: 'PATCH', path, body: { default_for }, ...bounds(options) });
    },
    setStorageRecipients: async (name, recipients, options = {}) => {
      const path = `${base}/storages/${segment(name)}`;
      await http.request({ method: 'PATCH', path, body: { recipients }, ...bounds(options) });
    },
    setStorageLimit: async (name, limit, options = {}) => {
      const path = `${base}/storages/${segment(name)}`;
      await http.request({ method: 'PATCH', path, body: { limit }, ...bounds(options) });
    },
    removeStorage: async (name, options = {}) => void (await remove(`${base}/storages/${segment(name)}`, options)),

    getJob: async (id, options = {}) => job(await get(`${base}/jobs/${segment(id)}`, options)),
    cancelJob: async (id, options = {}) => job(await post(`${base}/jobs/${segment(id)}/cancel`, {}, options)),

    createPlan: async (request, options = {}) => plan(await post(`${base}/plans`, request, options)),
    listPlans: async (options = {}) => readList(Plan, await get(`${base}/plans`, options), 'plans', 'plan').items,
    getPlan: async (idOrCode, options = {}) => plan(await get(`${base}/plans/${segment(idOrCode)}`, options)),
    askPlan: async (id, options = {}) =>
      readRecord(Asked, await post(`${base}/plans/${segment(id)}/ask`, {}, options), 'question'),
    approvePlan: async (id, approval, options = {}) =>
      plan(await post(`${base}/plans/${segment(id)}/approve`, approval, options)),
    declinePlan: async (id, reason, options = {}) =>
      plan(await post(`${base}/plans/${segment(id)}/decline`, { reason }, options)),

    listAudit: async (query = {}, options = {}) => {
      const { body } = await http.request({ method: 'GET', path: `${base}/audit`, query, ...bounds(options) });
      return pageOf(readList(AuditEntry, body, 'entries', 'audit entry'), query);
    },

    createKey: async (request, options = {}) =>
      readRecord(CreatedKey, await post(`${base}/keys`, request, options), 'key'),
    listKeys: async (options = {}) => readList(ListedKey, await get(`${base}/keys`, options), 'keys', 'key').items,
    revokeKey: async (id, options = {}) => void (await remove(`${base}/keys/${segment(id)}`, options)),
  };
}
