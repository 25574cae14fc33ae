import type { RecordedRequest } from './cloud.ts';
import { advanceRestores, advanceSchedules, advanceServices } from './cloud-progress.ts';
import type { Shapes } from './cloud-shapes.ts';
import { type CloudState, newRestore, now, type Revision, schedule } from './cloud-state.ts';

export interface RouteOptions {
  revision: Revision;
  /** Only an administrator may change schedules. */
  role: 'administrator' | 'viewer';
  /** Lists of schedules and restores without `service_id` are answered 400. Default: in the new revision. */
  listNeedsService: boolean;
  /** What `GET backups/{service_id}` answers with. */
  backupsOfService: 'object' | 'array' | 'paged';
  servicesPageSize: number;
  /** Whether work goes one step on at each GET that shows it. */
  advance: boolean;
  /** How restores end. */
  restoresEnd: 'Succeeded' | 'Failed';
  lists: ListQuirks;
}

/** How lists answer other than they were asked. */
export interface ListQuirks {
  /** Whatever size was asked for. */
  pageSize?: number;
  /** Rows come as they were made, whatever order was asked for. */
  ignoresOrder?: boolean;
  /** What `pages_count` says instead of the truth. */
  pagesCount?: number;
  /** What `backups_count` and its like say instead. */
  count?: number;
}

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

class Refusal extends Error {
  readonly status: number;
  readonly error: string;
  constructor(status: number, error: string, message: string) {
    super(message);
    this.status = status;
    this.error = error;
  }
}

type Body = Record<string, unknown>;
const ended = /^(succe|complet|fail)/i;

/** The cloud's documented endpoints over `state`. */
export function cloudRoutes(state: CloudState, shapes: Shapes, options: RouteOptions) {
  const early = options.revision === 'early';

  const service = (id: unknown) => {
    const found = state.services.find((each) => each.id === id);
    if (!found) throw new Refusal(404, 'service_not_found', `There is no service ${String(id)}.`);
    return found;
  };
  const scheduleOf = (id: string | undefined) => {
    const found = state.schedules.find((each) => String(each.id) === id);
    if (!found) throw new Refusal(404, 'schedule_not_found', `There is no schedule ${id}.`);
    return found;
  };
  const restoreOf = (id: string | undefined) => {
    const found = state.restores.find((each) => String(each.id) === id);
    if (!found) throw new Refusal(404, 'restore_not_found', `There is no restore ${id}.`);
    return found;
  };
  const administrator = () => {
    if (options.role !== 'administrator') throw new Refusal(403, 'forbidden', 'The role does not allow this.');
  };
  const needsService = (query: Record<string, string>) => {
    if (options.listNeedsService && !query.service_id)
      throw new Refusal(400, 'validation_error', 'The parameter service_id is required.');
  };
  const ok = (body?: unknown, headers?: Record<string, string>): Answer => ({
    status: 200,
    ...(body === undefined ? {} : { body }),
    ...(headers === undefined ? {} : { headers }),
  });

  const routes: [string, RegExp, (request: RecordedRequest, id: string | undefined) => Answer][] = [
    ['GET', /^\/provisioning\/v1\/services$/, ({ query }) => listServices(query)],
    ['GET', /^\/provisioning\/v1\/services\/([^/]+)$/, (_, id) => ok(shapes.service(service(id)))],
    ['POST', /^\/provisioning\/v1\/services\/([^/]+)\/power$/, ({ body }, id) => power(id, (body as Body).is_active)],
    ['POST', /^\/provisioning\/v1\/services\/([^/]+)\/start$/, (_, id) => power(id, true)],
    ['POST', /^\/provisioning\/v1\/services\/([^/]+)\/stop$/, (_, id) => power(id, false)],
    ['GET', /^\/skybackup\/v1\/backups$/, ({ query }) => backups(query)],
    ['GET', /^\/skybackup\/v1\/backups\/schedules$/, ({ query }) => schedules(query)],
    ['POST', /^\/skybackup\/v1\/backups\/schedules$/, ({ body }) => createSchedule(body as Body)],
    ['GET', /^\/skybackup\/v1\/backups\/schedules\/(\d+)$/, (_, id) => ok(shapes.schedule(scheduleOf(id)))],
    ['PATCH', /^\/skybackup\/v1\/backups\/schedules\/(\d+)$/, ({ body }, id) => patchSchedule(id, body as Body)],
    ['DELETE', /^\/skybackup\/v1\/backups\/schedules\/(\d+)$/, (_, id) => deleteSchedule(id)],
    ['GET', /^\/skybackup\/v1\/backups\/([^/]+)$/, (_, id) => backupsOf(id)],
    ['GET', /^\/skybackup\/v1\/restores$/, ({ query }) => restores(query)],
    ['POST', /^\/skybackup\/v1\/restores$/, ({ body }) => createRestore(body as Body)],
    ['POST', /^\/skybackup\/v1\/restores\/lookup$/, ({ body }) => lookup(body as Body)],
    [
      'GET',
      /^\/skybackup\/v1\/restores\/pointintime\/lookup$/,
      () => ok({ services: state.windows.map(shapes.window) }),
    ],
    ['GET', /^\/skybackup\/v1\/restores\/(\d+)$/, (_, id) => oneRestore(id)],
    ['DELETE', /^\/skybackup\/v1\/restores\/(\d+)$/, (_, id) => deleteRestore(id)],
  ];

  function listServices(query: Record<string, string>): Answer {
    const size = Math.min(Number(query.page_size ?? options.servicesPageSize), options.servicesPageSize);
    const from = Number(query.page_token ?? 0);
    const next = from + size < state.services.length ? { 'x-skysql-page-token-next': String(from + size) } : undefined;
    return ok(state.services.slice(from, from + size).map(shapes.service), next);
  }

  function power(id: string | undefined, active: unknown): Answer {
    service(id).status = active === true ? 'pending_start' : 'pending_stop';
    return ok();
  }

  function backups(query: Record<string, string>): Answer {
    const found = state.backups.filter(
      (each) =>
        (query.service_id === undefined || each.service_id === query.service_id) &&
        (query.status === undefined || each.status === query.status),
    );
    const { rows, count, pages } = paged(found, query, options.lists);
    return ok({ backups: rows.map(shapes.backup), backups_count: count, pages_count: pages });
  }

  function backupsOf(id: string | undefined): Answer {
    const rows = state.backups.filter((each) => each.service_id === service(id).id).map(shapes.backup);
    if (options.backupsOfService === 'array') return ok(rows);
    if (options.backupsOfService === 'paged') return ok({ backups: rows, backups_count: rows.length, pages_count: 1 });
    if (rows.length === 0) throw new Refusal(404, 'backup_not_found', 'The service has no backup.');
    return ok(rows.at(-1));
  }

  function schedules(query: Record<string, string>): Answer {
    needsService(query);
    const found = state.schedules.filter(
      (each) =>
        (query.service_id === undefined || each.service_id === query.service_id) &&
        (query.type === undefined || each.type === query.type),
    );
    const { rows, count, pages } = paged(found, query, options.lists);
    return ok({ schedules: rows.map(shapes.schedule), schedules_count: count, pages_count: pages });
  }

  function createSchedule(body: Body): Answer {
    administrator();
    const { id, provider } = service(body.service_id);
    if (provider === 'azure' && body.backup_type !== 'snapshot')
      throw new Refusal(400, 'invalid_backup_type', 'Azure services have snapshots only.');
    const full = state.backups.some((each) => each.service_id === id && each.type === 'full');
    if (body.backup_type === 'incremental' && !full)
      throw new Refusal(400, 'invalid_backup_type', 'An incremental backup needs a full one before it.');
    const made = schedule(state.nextScheduleId++, id, String(body.schedule), String(body.backup_type), now(state));
    made.external = body.external_storage !== undefined;
    state.schedules.push(made);
    return ok(shapes.schedule(made));
  }

  function patchSchedule(id: string | undefined, body: Body): Answer {
    administrator();
    const found = scheduleOf(id);
    if (found.schedule === 'once') throw new Refusal(400, 'invalid_schedule', 'A one-time schedule cannot be changed.');
    if (typeof body.schedule === 'string') found.schedule = body.schedule;
    if (typeof body.backup_type === 'string') found.type = body.backup_type;
    if (typeof body.suspended === 'boolean') found.suspended = body.suspended;
    found.updated_at = now(state);
    return ok(shapes.schedule(found));
  }

  function deleteSchedule(id: string | undefined): Answer {
    administrator();
    const found = scheduleOf(id);
    if (found.status === 'Running') throw new Refusal(409, 'schedule_running', 'Its job is still running.');
    state.schedules.splice(state.schedules.indexOf(found), 1);
    return ok();
  }

  function restores(query: Record<string, string>): Answer {
    needsService(query);
    const found = state.restores.filter(
      (each) =>
        (query.service_id === undefined || each.service_id === query.service_id) &&
        (query.type === undefined || each.type === query.type),
    );
    const { rows, count, pages } = paged(found, query, options.lists);
    if (early) return ok(found.map(shapes.restore));
    return ok({ restores: rows.map(shapes.restore), restores_count: count, pages_count: pages });
  }

  function oneRestore(id: string | undefined): Answer {
    const shown = shapes.restore(restoreOf(id));
    return ok(early ? [shown] : shown);
  }

  function createRestore(body: Body): Answer {
    administrator();
    const name = early ? 'key' : 'id';
    const source = body[name];
    if (typeof source !== 'string') throw new Refusal(400, 'validation_error', `The field ${name} is required.`);
    const target = service(body.service_id);
    const backup = state.backups.find((each) => each.id === source);
    if (body.external_source === undefined && body.point_in_time === undefined) {
      if (!backup) throw new Refusal(404, 'backup_not_found', 'There is no such backup.');
      if (service(backup.service_id).provider !== target.provider)
        throw new Refusal(400, 'invalid_target', 'The backup lies with another cloud provider.');
    }
    const type = backup?.type === 'dump' ? 'logical' : 'physical';
    const made = newRestore(state.nextRestoreId++, target.id, source, type, now(state));
    state.restores.push(made);
    return ok(shapes.restore(made));
  }

  function deleteRestore(id: string | undefined): Answer {
    const found = restoreOf(id);
    if (!ended.test(found.status)) throw new Refusal(409, 'restore_running', 'The restore is still running.');
    state.restores.splice(state.restores.indexOf(found), 1);
    return ok();
  }

  function lookup(body: Body): Answer {
    const source = service(body.service_id);
    if (!state.backups.some((each) => each.id === body.backup_id))
      throw new Refusal(400, 'backup_not_found', 'There is no such backup.');
    const fit = state.services.filter((each) => each.provider === source.provider);
    return ok({ services: fit.map((each) => ({ service_id: each.id, service_name: each.name })) });
  }

  function advance(method: string, path: string): void {
    if (!options.advance || method !== 'GET') return;
    if (path.startsWith('/skybackup/v1/backups')) advanceSchedules(state);
    else if (path.startsWith('/skybackup/v1/restores')) advanceRestores(state, options.restoresEnd);
    else if (path.startsWith('/provisioning/')) advanceServices(state);
  }

  return (request: RecordedRequest): Answer => {
    const { method, path } = request;
    try {
      for (const [verb, pattern, handle] of routes) {
        const match = verb === method ? pattern.exec(path) : null;
        if (!match) continue;
        advance(method, path);
        return handle(request, match[1]);
      }
      throw new Refusal(404, 'not_found', 'There is no such path.');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, body: shapes.error(error.status, path, error.error, error.message) };
    }
  };
}

function paged<T>(
  all: T[],
  query: Record<string, string>,
  { pageSize, ignoresOrder, pagesCount, count }: ListQuirks,
): { rows: T[]; count: number; pages: number } {
  const size = pageSize ?? Number(query.page_size ?? 100);
  const page = Number(query.page ?? 1);
  const ordered = query.order === 'desc' && !ignoresOrder ? all.toReversed() : all;
  return {
    rows: ordered.slice((page - 1) * size, page * size),
    count: count ?? all.length,
    pages: pagesCount ?? Math.max(1, Math.ceil(all.length / size)),
  };
}
