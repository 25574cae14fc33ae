import { SkybackupError } from '../../contract/errors.ts';
import { isBackupId } from '../../contract/ids.ts';
import type { RestoreRequest } from '../../contract/restores.ts';
import type { EngineContext } from '../engine-context.ts';
import { findService } from '../services/find-service.ts';
import type { BackupRow } from '../store/backups-index.ts';
import type { StoredService } from '../store/services-table.ts';

/** What is to be restored onto what. */
export interface RestoreSubject {
  target: StoredService;
  backup: BackupRow;
}

/** The backup of that id. Throws `not_found`. */
export function findBackup(context: Pick<EngineContext, 'state'>, id: string): BackupRow {
  const row = context.state.backups.get(id);
  if (row === undefined) throw new SkybackupError('not_found', `There is no backup "${id.slice(0, 300)}".`);
  return row;
}

/** Reads a restore request as far as it needs no look at files. Throws `unsupported` with the reason, `not_found`, `conflict`. */
export function resolveRestore(context: Pick<EngineContext, 'state'>, request: RestoreRequest): RestoreSubject {
  refuseOtherSources(request);
  if (request.target === 'new' || request.service_id === undefined) {
    throw new SkybackupError('invalid_request', 'A restore into a new service replaces nothing, so it needs no plan.', {
      hint: 'Send it without one.',
    });
  }
  const target = findService(context.state, request.service_id);
  if (target.control.kind !== 'managed') {
    throw new SkybackupError(
      'unsupported',
      `Service ${target.id} was registered from outside (${target.control.kind}), and only managed services can be restored so far.`,
      {
        hint: 'Restore into a new service (target "new") and copy the data from there.',
      },
    );
  }
  return { target, backup: resolveBackup(context, request) };
}

/** The backup that a request names. Throws `unsupported` with the reason, `not_found`, `conflict`. */
export function resolveBackup(context: Pick<EngineContext, 'state'>, request: RestoreRequest): BackupRow {
  refuseOtherSources(request);
  const id = request.id ?? request.key ?? '';
  if (!isBackupId(id)) {
    throw new SkybackupError('not_found', `"${id.slice(0, 300)}" is no backup id.`, {
      hint: 'Give the id of a backup as the list of backups shows it.',
    });
  }
  const backup = findBackup(context, id);
  if (backup.status !== 'Succeeded') {
    throw new SkybackupError('conflict', `Backup ${id} is ${backup.status}: only one that succeeded can be restored.`, {
      hint: 'Choose a backup whose status is Succeeded.',
      retryable: false,
    });
  }
  if (backup.type === 'binarylog') {
    throw new SkybackupError('unsupported', `Backup ${id} holds binary logs, which cannot be restored by themselves.`, {
      hint: 'Restore a full, incremental or dump backup; binary logs only roll one forward.',
    });
  }
  return backup;
}

function refuseOtherSources(request: RestoreRequest): void {
  if (request.external_source !== undefined) {
    throw new SkybackupError('unsupported', 'Restores from an external bucket are not supported by this daemon yet.', {
      hint: 'Restore one of the backups that list_backups shows.',
    });
  }
  if (request.point_in_time !== undefined) {
    throw new SkybackupError('unsupported', 'Point-in-time restores are not supported by this daemon yet.', {
      hint: 'Restore a full backup: leave point_in_time out and give the backup nearest before the moment.',
    });
  }
}
