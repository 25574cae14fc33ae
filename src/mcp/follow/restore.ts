import { restoredFrom } from '../../contract/either-revision.ts';
import type { Restore } from '../../contract/restores.ts';
import type { Service } from '../../contract/services.ts';
import { classifyStatus } from '../../contract/status.ts';
import type { ToolAnswer } from '../answer.ts';
import type { Call } from '../context.ts';
import { serviceLabel } from '../find/service.ts';
import { restoreRow } from '../rows.ts';
import { quoteText } from '../untrusted-text.ts';
import type { Followed } from './followed.ts';
import { jobInWords } from './job.ts';

/** A restore; once it has ended, also what became of its service. */
export async function followRestore(id: number, call: Call): Promise<Followed> {
  const { api, signal } = call;
  const restore = await api.getRestore(id, { signal });
  const outcome = classifyStatus(restore.status);
  const runs = outcome === 'in_progress' && restore.job_id !== undefined;
  const job = runs && restore.job_id !== undefined ? await api.daemon?.getJob(restore.job_id, { signal }) : undefined;
  const status = `restore ${id} of ${restore.service_id}: ${quoteText(restore.status)} ${quoteText(restore.message ?? '')}`;
  return {
    outcome,
    message: job === undefined ? status : jobInWords(job),
    done: job?.bytes,
    total: job?.total_bytes,
    data: { ...restoreRow(restore).data, phase: job?.phase },
    ended: async () => {
      if (restore.target === 'new') return endedNew(restore, outcome === 'failed');
      if (restore.import === 'begun') return endedImport(restore, outcome === 'failed', call);
      return outcome === 'failed' ? failed(restore, call) : succeeded(restore, call);
    },
  };
}

/** A service that was made of a backup, or of which nothing is left. */
function endedNew(restore: Restore, isFailed: boolean): ToolAnswer {
  const { service_id: id, message = '', warnings = [] } = restore;
  const row = restoreRow(restore);
  return {
    text: [
      isFailed ? `The new service ${id} was not made; nothing of it is left.` : `The new service ${id} runs.`,
      quoteText(message, 600),
      row.text,
    ],
    data: { ...row.data, message: quoteText(message, 600) },
    warnings,
    next: isFailed
      ? 'Mend the reason, then call restore_backup again.'
      : `Have the person open it (skybackup services connect ${id}), and remove it when it is no longer needed (skybackup services remove ${id}).`,
  };
}

/** A running server that a dump was imported into, or in part: nothing is put back but by the dump of before. */
async function endedImport(restore: Restore, isFailed: boolean, { api, signal }: Call): Promise<ToolAnswer> {
  const { service_id: id, message = '', safety_backup_id: safety, warnings = [] } = restore;
  const service = await api.getService(id, { signal });
  const row = restoreRow(restore);
  const undo =
    safety === undefined
      ? 'No safety dump was taken: going back needs an earlier backup.'
      : `To go back, restore_backup with backup "${safety}" and service "${id}".`;
  const users = `The accounts of ${id} stay, and those of the dump are added.`;
  return {
    text: [
      isFailed
        ? `The import ended early. ${serviceLabel(service)} is PARTLY REPLACED.`
        : `The import into ${serviceLabel(service)} is finished. The service is ${service.status}.`,
      quoteText(message, 600),
      row.text,
      isFailed ? undefined : users,
      `Undo: ${undo}`,
    ],
    data: {
      ...row.data,
      message: quoteText(message, 600),
      service_status: service.status,
      partly_replaced: isFailed,
      undo,
    },
    warnings,
    next: isFailed
      ? 'Tell the person at once that the service is partly replaced; offer to go back, or to mend the reason and restore again.'
      : 'Have the person check the data, and take a new dump (create_backup).',
  };
}

/** In which state the service is, whose users it has now, where the old data are, how to go back. */
async function succeeded(restore: Restore, { api, signal }: Call): Promise<ToolAnswer> {
  const service = await api.getService(restore.service_id, { signal });
  const row = restoreRow(restore);
  const { users_from } = restore;
  const source = typeof users_from === 'string' ? users_from : restoredFrom(restore)?.split(':')[1];
  const foreign = source !== undefined && source !== service.id;
  const since =
    restore.undo_of === undefined ? 'of the moment that was restored' : `of before restore ${restore.undo_of}`;
  const users = foreign
    ? `${service.id} now has the users and passwords of ${source}: credentials stored for ${service.id} are stale.`
    : `The users and passwords of ${service.id} are those ${since}.`;
  const kept = restore.kept_data !== undefined;
  const undo = kept
    ? `The data of before are kept at ${row.data.kept_data} until ${row.data.kept_until ?? 'a person removes them'}. undo_restore with id ${restore.id} puts them back, if the person wants that.`
    : 'The cloud keeps no data of before: the way back is to restore the backup that its plan named for it, or an earlier one.';
  return {
    text: [
      `The restore onto ${serviceLabel(service)} is finished. The service is ${service.status}.`,
      row.text,
      users,
      `Undo: ${undo}`,
    ],
    data: { ...row.data, service_status: service.status, users_of: source ?? service.id, users, undo },
    warnings: [...(restore.warnings ?? []), ...(foreign ? ['Stored credentials of the target are stale.'] : [])],
    next: nextFor(service, api.provider.kind === 'cloud'),
  };
}

function nextFor({ id, status }: Service, isCloud: boolean): string {
  if (status === 'ready')
    return isCloud
      ? 'Have the person check the data, and take a new backup (create_backup): older incrementals do not continue.'
      : 'Have the person check the data. A new backup of them is taken by itself: older incrementals do not continue.';
  if (status.startsWith('pending'))
    return `${id} is ${status}: call list_services with service "${id}" until it is ready or stopped; offer start_service if it is stopped. Then have the person check the data.`;
  if (status === 'failed' && isCloud)
    return `${id} is failed: offer start_service with service "${id}"; if that does not help, SkySQL's support must look.`;
  return `${id} is ${status}: offer start_service with service "${id}", then have the person check the data.`;
}

async function failed(restore: Restore, { api, signal }: Call): Promise<ToolAnswer> {
  const service = await api.getService(restore.service_id, { signal });
  const row = restoreRow(restore);
  const own = api.provider.kind === 'daemon';
  return {
    text: [
      `The restore failed. ${serviceLabel(service)} is ${service.status}.`,
      row.text,
      own ? 'The service has its old data: a failed restore is taken back.' : undefined,
    ],
    data: { ...row.data, service_status: service.status },
    warnings: restore.warnings ?? [],
    next: own
      ? 'Mend the reason, then call restore_backup again.'
      : 'Check the service with list_services; its data may be incomplete. A new restore_backup may mend it.',
  };
}
