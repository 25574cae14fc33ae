import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { SkybackupError } from '../../contract/errors.ts';
import { serviceIdPattern } from '../../contract/ids.ts';
import type { Restore, RestoreRequest } from '../../contract/restores.ts';
import { parseTablePattern, type TablePattern } from '../../contract/table-pattern.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { ownConnection } from '../managed/create.ts';
import { managedLayout } from '../managed/layout.ts';
import { highestGtids } from '../mariadb/gtid.ts';
import { type MeasuredJob, measured } from '../rates/measured-phases.ts';
import { recordRates } from '../rates/record-rates.ts';
import { checkWanted } from '../restore/bring-tables.ts';
import { placeOf } from '../restore/data-place.ts';
import { type NewService, restoreToNewService } from '../restore/new-service.ts';
import { checkRestorable } from '../restore/restorable.ts';
import {
  finishServiceFolder,
  folderExists,
  openServiceFolder,
  readUnfinished,
  removeServiceFolder,
} from '../restore/service-folder.ts';
import { lastBackup, type RestoreSource } from '../restore/source.ts';
import { checkSpace, restoreSpace } from '../restore/space.ts';
import { addNightly } from '../schedule/add-nightly.ts';
import type { ServiceRecord } from '../service.ts';
import { readKnownServer } from '../services/known-server.ts';
import { lanes } from '../store/jobs-table.ts';
import type { RestoreRow } from '../store/restores-table.ts';
import type { KnownServer } from '../store/services-table.ts';
import { checkLease } from './lease.ts';
import { findSource } from './restore-source.ts';
import { resolveData, type WantedData } from './restore-subject.ts';
import { restoreView } from './restore-view.ts';
import { rolledSource } from './rolled-source.ts';

/**
 * Accepts a restore into a service that does not exist yet, and starts its job. Nothing is replaced, so nobody has to
 * approve it. Throws before anything is made: a taken id, tables the backup lacks, versions, space.
 */
export async function startNewService(context: EngineContext, request: RestoreRequest): Promise<Restore> {
  const { state, jobs, repository, home } = context;
  const subject = await resolveData(context, request);
  const { backup } = subject;
  const id = request.service_id ?? freeId(context, backup.service_id);
  refuseTaken(context, id);
  const tables = request.tables?.flatMap((text) => parseTablePattern(text) ?? []);
  const layout = managedLayout(home, id);
  const service: ServiceRecord = {
    id,
    name: id,
    control: { kind: 'managed' },
    connection: ownConnection(layout),
    datadir: layout.data,
    incarnation: randomUUID(),
    created_at: toRfc3339(new Date(context.clock.now())),
  };
  const job = jobs.reserve({ kind: 'restore', service_id: id, lanes, backup_id: backup.id });
  let row: RestoreRow | undefined;
  let opened = false;
  try {
    row = state.transaction(() => {
      const added = state.restores.add({
        service_id: id,
        service_name: id,
        source_service_id: backup.service_id,
        backup_id: backup.id,
        bucket: repository.url,
        backup_type: backup.type,
        new_incarnation: service.incarnation,
        job_id: job.row.id,
        plan_id: undefined,
        target: 'new',
        message: 'The restore is scheduled.',
      });
      state.jobs.link(job.row.id, { restore_id: added.id });
      return added;
    });
    // From here on the folder tells a killed daemon's successor what to remove.
    openServiceFolder(home, id, { restore_id: row.id, instance: state.instance });
    opened = true;
    const source = await findSource(context, backup);
    await checkRestorable(source, repository, service, AbortSignal.timeout(30_000));
    // Where logs are rolled forward, only the result can tell what tables there are.
    if (tables !== undefined && subject.wish === undefined) checkTables(source, tables);
    checkSpace(restoreSpace(source, placeOf(home, service)));
    run(context, job, row, service, { subject, source, tables, nightly: request.nightly === true });
    return restoreView(row);
  } catch (error) {
    if (opened) await removeServiceFolder(home, id);
    if (row !== undefined) state.restores.remove(row.id);
    job.abandon();
    throw error;
  }
}

function run(
  context: EngineContext,
  job: ReturnType<EngineContext['jobs']['reserve']>,
  { id: restoreId, backup_id, source_service_id }: RestoreRow,
  service: ServiceRecord,
  wanted: {
    subject: WantedData;
    source: RestoreSource;
    tables: readonly TablePattern[] | undefined;
    nightly: boolean;
  },
): void {
  const { state, home, repository } = context;
  let registered = false;
  let measure: MeasuredJob | undefined;
  let rolled = wanted.source;
  job.start<NewService & { server: KnownServer }>({
    async run(work) {
      measure = measured(work);
      state.restores.begin(restoreId, `The new service ${service.id} is being made.`);
      rolled = await rolledSource(context, wanted.subject, wanted.source, job.row, measure);
      // It may build on another backup than was chosen at first.
      await checkRestorable(rolled, repository, service, work.signal);
      const made = await restoreToNewService(
        {
          restoreId,
          service,
          source: rolled,
          tables: wanted.tables,
          repository,
          home,
          highestGtids: highestGtids(...state.backups.gtidsOf(service.id), ...state.archivedLogs.gtidsOf(service.id)),
          beforeStart: () => checkLease(context, job.row, work.signal),
        },
        measure,
      );
      return { ...made, server: await readKnownServer(service.connection) };
    },
    succeeded({ server, gtids, warnings, port }) {
      if (!state.services.add(service, backup_id)) throw new Error(`the service ${service.id} exists`);
      state.services.setServer(service.id, server);
      state.services.setHighestGtids(service.id, gtids);
      recordRates(state, rolled, measure);
      if (wanted.nightly) addNightly(context, service);
      const message =
        `Restored into the new service ${service.id}, on port ${port}, with the users of ${source_service_id}. ` +
        `Open it with "skybackup services connect ${service.id}"; when it is no longer needed, "skybackup services remove ${service.id}" stops it and deletes its data.`;
      state.restores.end(restoreId, { status: 'Succeeded', message, users_from: source_service_id, warnings });
      registered = true;
      return message;
    },
    failed(end) {
      registered = false;
      const status = end.status === 'Cancelled' ? 'Cancelled' : 'Failed';
      state.restores.end(restoreId, { status, message: end.message });
    },
  });
  // A daemon that ends before this finds the mark at its next start, and in the state whether the service is registered.
  const layout = managedLayout(home, service.id);
  void context.jobs
    .ended(job.row.id)
    .then(async () => {
      if (readUnfinished(layout)?.restore_id !== restoreId) return;
      if (registered) finishServiceFolder(layout);
      else await removeServiceFolder(home, service.id);
    })
    .catch((error: unknown) =>
      context.log('error', 'a new service was left unfinished', { service: service.id, error }),
    );
}

/** The source's id with `-copy`, and a number if need be: what no service, folder or backup has. */
function freeId(context: EngineContext, source: string): string {
  for (let count = 1; ; count += 1) {
    const suffix = count === 1 ? '-copy' : `-copy-${count}`;
    const id = `${source.slice(0, 32 - suffix.length).replace(/-+$/, '')}${suffix}`;
    const candidate = serviceIdPattern.test(id) ? id : `restored${suffix}`;
    const { state, home } = context;
    const taken =
      state.services.get(candidate) !== undefined ||
      state.jobs.activeOf(candidate).length > 0 ||
      existsSync(managedLayout(home, candidate).root) ||
      state.backups.list({ service_id: candidate, page_size: 1 }).count > 0;
    if (!taken) return candidate;
  }
}

function refuseTaken({ state, home }: EngineContext, id: string): void {
  if (state.services.get(id) !== undefined) {
    throw new SkybackupError('conflict', `There is a service "${id}" already: a new one replaces nothing.`, {
      hint: 'Give another service_id, or leave it out; to replace the data of that service, leave target out.',
      retryable: false,
    });
  }
  const { root } = managedLayout(home, id);
  if (state.jobs.activeOf(id).length === 0 && existsSync(root)) throw folderExists(id, root);
}

/** A wrong name is better said now than after hours. */
function checkTables(source: RestoreSource, tables: readonly TablePattern[]): void {
  const { tables: known, server } = lastBackup(source);
  checkWanted(tables, known, (server.options.lower_case_table_names ?? '0') !== '0');
}
