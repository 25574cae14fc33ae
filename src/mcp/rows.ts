import type { Backup } from '../contract/backups.ts';
import { restoredFrom, storageBytes } from '../contract/either-revision.ts';
import type { RecoveryWindow, Restore } from '../contract/restores.ts';
import type { Schedule } from '../contract/schedules.ts';
import type { Service } from '../contract/services.ts';
import { classifyStatus } from '../contract/status.ts';
import type { Storage } from '../contract/storages.ts';
import { serviceLabel } from './find/service.ts';
import type { Row } from './lists/list-page.ts';
import { outwardText } from './outward.ts';
import { counted, durationInWords, sizeInWords, timeInWords } from './sizes-and-times.ts';
import { quoteText } from './untrusted-text.ts';

/** How each thing is shown, in every tool and resource alike. Status words are shown raw: their list is open. */

function line(...parts: (string | undefined | false)[]): string {
  return `- ${parts.filter(Boolean).join(' · ')}`;
}

function message(text: string | undefined): string | undefined {
  return text ? quoteText(text, 120) : undefined;
}

export function serviceRow(service: Service): Row {
  const { id, name, status, is_active, provider, region, topology, version, size, fqdn, control, last_backup_at } =
    service;
  const data = {
    id,
    name: name && quoteText(name, 60),
    status,
    is_active,
    provider: provider && quoteText(provider),
    region: region && quoteText(region),
    topology: topology && quoteText(topology),
    version: version && quoteText(version),
    size: size && quoteText(size),
    fqdn: fqdn && quoteText(fqdn),
    control: control && quoteText(control),
    last_backup: timeInWords(last_backup_at),
    locked: lockWords(service),
    message: message(service.message),
  };
  const place = [data.provider, data.region].filter(Boolean).join(' ');
  const lastBackup = last_backup_at === undefined ? undefined : `last backup ${data.last_backup}`;
  return {
    data,
    text: line(serviceLabel(service), status, data.locked, data.version, data.control, place, lastBackup, data.message),
  };
}

function lockWords({ lock }: Service): string | undefined {
  if (lock === undefined) return undefined;
  const until = lock.until === undefined ? '' : ` until ${timeInWords(lock.until)}`;
  return `LOCKED${until}${lock.reason ? ` (${quoteText(lock.reason, 120)})` : ''}`;
}

export function backupRow(backup: Backup): Row {
  const { id, service_id, service_name, type, status, reference_full_backup, is_external_storage } = backup;
  const data = {
    id,
    service_id,
    type: quoteText(type),
    status: quoteText(status),
    data_of: timeInWords(backup.point_in_time) ?? timeInWords(backup.start_time),
    size: sizeInWords(storageBytes(backup)),
    needs_full: reference_full_backup || undefined,
    external_storage: is_external_storage || undefined,
    verified: verifiedInWords(backup),
    // Why it failed is told by its job; a page of such words would be too long.
    why: classifyStatus(status) === 'done' ? message(backup.message) : undefined,
  };
  const label = serviceLabel({ id: service_id, name: service_name });
  return {
    data,
    text: line(
      `${data.data_of ?? 'time unknown'}`,
      label,
      data.type,
      data.status,
      data.size,
      `id ${quoteText(id, 200)}`,
      data.verified,
      data.why,
      data.needs_full && `needs full ${quoteText(data.needs_full, 200)}`,
    ),
  };
}

function verifiedInWords({ last_verification: last }: Backup): string | undefined {
  if (last === undefined) return undefined;
  const at = timeInWords(last.at);
  if (classifyStatus(last.status) !== 'done') return `VERIFICATION ${last.id} FAILED ${at}`;
  if (last.quick) return `stored bytes whole ${at}`;
  const took =
    last.recovery_seconds === undefined ? '' : `, recovery took ${durationInWords(last.recovery_seconds * 1000)}`;
  return `proven ${at}${took}`;
}

export function scheduleRow(schedule: Schedule, words: string, nextRuns: string[]): Row {
  const { id, service_id, service_name, type, status, suspended } = schedule;
  const data = {
    id,
    service_id,
    type: quoteText(type),
    schedule: /^[\d*,/?#LW -]+$/.test(schedule.schedule) ? schedule.schedule : quoteText(schedule.schedule),
    in_words: words,
    suspended: suspended ?? false,
    status: quoteText(status),
    next_runs: nextRuns.length > 0 ? nextRuns : undefined,
    last_run: timeInWords(schedule.last_run_at),
    message: message(schedule.message),
  };
  const when = suspended ? 'SUSPENDED' : nextRuns[0] && `next ${nextRuns[0]}`;
  const label = serviceLabel({ id: service_id, name: service_name });
  return { data, text: line(`schedule ${id}`, label, data.type, words, when, data.status, data.message) };
}

export function restoreRow(restore: Restore): Row {
  const { id, service_id, service_name, status } = restore;
  const data = {
    id,
    service_id,
    backup_id: restoredFrom(restore),
    type: restore.type && quoteText(restore.type),
    status: quoteText(status),
    created_at: timeInWords(restore.created_at),
    finished_at: timeInWords(restore.finished_at),
    downtime: restore.downtime_ms === undefined ? undefined : durationInWords(restore.downtime_ms),
    kept_data: restore.kept_data && quoteText(restore.kept_data, 300),
    kept_until: timeInWords(restore.kept_until),
    kept_size: sizeInWords(restore.kept_bytes),
    undo_of: restore.undo_of,
    safety_backup_id: restore.safety_backup_id,
    message: message(restore.message),
  };
  const onto = restore.target === 'new' ? 'into the new service' : 'onto';
  const label = `${onto} ${serviceLabel({ id: service_id, name: service_name })}`;
  const size = data.kept_size === undefined ? '' : ` (${data.kept_size})`;
  const kept = data.kept_data && `data of before kept${size} at ${data.kept_data} until ${data.kept_until}`;
  return {
    data,
    text: line(
      `restore ${id}`,
      label,
      data.status,
      data.created_at,
      data.undo_of === undefined ? `from ${quoteText(data.backup_id ?? 'unknown', 200)}` : `undoes ${data.undo_of}`,
      kept,
      data.message,
    ),
  };
}

export function storageRow(storage: Storage): Row {
  const { name, path, default_for, limit, services, backups, storage_bytes, trouble } = storage;
  const whose = Array.isArray(default_for) ? default_for.join(', ') : default_for;
  const text = [
    `${quoteText(name, 40)}: ${quoteText(path)}, ${counted(backups ?? 0, 'backup')} (${sizeInWords(storage_bytes ?? 0)})`,
    ...(whose === undefined ? [] : [`default of ${outwardText(whose, 160)}`]),
    ...(limit === undefined ? [] : [`limited to ${limit}`]),
    ...(trouble === undefined ? [] : [`trouble: ${quoteText(trouble)}`]),
  ].join('; ');
  return { text, data: { name, path, default_for, limit, services, backups, trouble } };
}

export function recoveryWindowRow(window: RecoveryWindow): Row {
  const { service_id, start_time, end_time, archived_until, gap } = window;
  const data = {
    service_id,
    from: timeInWords(start_time),
    // It goes on as long as the server runs: the moment of asking says nothing.
    to: archived_until === undefined ? timeInWords(end_time) : 'now',
    archived_until: timeInWords(archived_until),
    ends_because: message(gap),
  };
  return { data, text: line(quoteText(service_id, 80), `${data.from} to ${data.to}`, data.ends_because) };
}
