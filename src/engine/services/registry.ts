import { randomUUID } from 'node:crypto';
import { SkybackupError } from '../../contract/errors.ts';
import type { RegisterServiceRequest, Service, ServiceQuery } from '../../contract/services.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { checkDumpPossible } from '../dump/dump-facts.ts';
import type { EngineContext } from '../engine-context.ts';
import { busyError } from '../jobs/job-end.ts';
import { createManagedServer, startManagedServer } from '../managed/managed-server.ts';
import { checkBackupPossible, inspectServer } from '../mariadb/inspect.ts';
import { addNightly } from '../schedule/add-nightly.ts';
import type { ServiceRecord } from '../service.ts';
import type { KnownServer } from '../store/services-table.ts';
import { findService } from './find-service.ts';
import { readKnownServer } from './known-server.ts';
import { serviceState } from './service-state.ts';
import { serviceView } from './service-view.ts';

/** The servers this daemon looks after. */
export class ServiceRegistry {
  readonly #context: EngineContext;
  /** Ids being registered now: making a server takes seconds, and two must not make the same. */
  readonly #registering = new Set<string>();

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** One page by id, and where the next begins. Only the servers on it are looked at. */
  async list(query: ServiceQuery): Promise<{ services: Service[]; next: string | undefined }> {
    const { page_size = 100, page_order = 'asc', page_token } = query;
    const rows = this.#context.state.services.list();
    const ordered = page_order === 'asc' ? rows : rows.toReversed();
    const after = page_token === undefined ? 0 : ordered.findIndex(({ id }) => id === page_token) + 1;
    const page = ordered.slice(after, after + page_size);
    return {
      services: await Promise.all(page.map((service) => serviceView(this.#context, service))),
      next: after + page_size < ordered.length ? page.at(-1)?.id : undefined,
    };
  }

  get(idOrFqdn: string): Promise<Service> {
    return serviceView(this.#context, findService(this.#context.state, idOrFqdn));
  }

  /**
   * Makes a managed server and starts it, or looks a running one over and takes it in. Throws what keeps it from being
   * backed up by name (`wrong_data_directory`, `privilege_missing`, `unsupported_layout`, …); then nothing is registered.
   */
  async register(request: RegisterServiceRequest, signal?: AbortSignal): Promise<Service> {
    const { id } = request;
    const taken = () =>
      new SkybackupError('conflict', `There is a service "${id}" already.`, {
        hint: 'Choose another id, or forget the service first.',
        retryable: false,
      });
    if (this.#context.state.services.get(id) !== undefined) throw taken();
    if (this.#registering.has(id)) {
      throw new SkybackupError('conflict', `Service "${id}" is being registered by another call.`);
    }
    const [making] = this.#context.state.jobs.activeOf(id);
    if (making !== undefined) throw busyError(making);
    this.#registering.add(id);
    try {
      const { record, server } =
        request.control.kind === 'managed'
          ? await this.#makeManaged(request, signal)
          : await this.#lookOver(request, signal);
      this.#context.state.transaction(() => {
        const [making] = this.#context.state.jobs.activeOf(id);
        if (making !== undefined) throw busyError(making);
        if (!this.#context.state.services.add(record)) throw taken();
        this.#context.state.services.setServer(id, server);
        if (request.nightly !== false) addNightly(this.#context, record);
      });
    } finally {
      this.#registering.delete(id);
    }
    return this.get(id);
  }

  /** Takes a service off the list; its data, server and backups stay as they are. */
  async forget(idOrFqdn: string): Promise<void> {
    const { state } = this.#context;
    const service = findService(state, idOrFqdn);
    if (service.control.kind === 'managed') {
      const { status } = await serviceState(this.#context, service);
      if (status !== 'stopped' && status !== 'failed') {
        throw new SkybackupError('conflict', `The managed service ${service.id} still runs (${status}).`, {
          hint: `Stop it first: forgotten, nobody would stop it any more.`,
        });
      }
    }
    state.transaction(() => {
      const [busy] = state.jobs.activeOf(service.id);
      if (busy !== undefined) throw busyError(busy);
      state.schedules.removeOf(service.id);
      state.services.remove(service.id);
    });
  }

  async #makeManaged(
    request: RegisterServiceRequest,
    signal: AbortSignal | undefined,
  ): Promise<{ record: ServiceRecord; server: KnownServer }> {
    const { home, clock } = this.#context;
    const { connection, datadir, incarnation } = await createManagedServer(home, request.id);
    const record: ServiceRecord = {
      id: request.id,
      name: request.name ?? request.id,
      control: request.control,
      connection,
      datadir,
      incarnation,
      created_at: toRfc3339(new Date(clock.now())),
    };
    await startManagedServer(home, record, signal);
    return { record, server: await readKnownServer(connection, signal) };
  }

  async #lookOver(
    request: RegisterServiceRequest,
    signal: AbortSignal | undefined,
  ): Promise<{ record: ServiceRecord; server: KnownServer }> {
    const { connection, datadir } = request;
    if (connection === undefined) {
      throw new SkybackupError('invalid_request', 'connection: give a connection, unless the service is managed.');
    }
    const facts = await inspectServer({ connection, datadir }, signal);
    if (datadir !== undefined) checkBackupPossible(facts);
    else if (request.nightly !== false) await checkDumpPossible(connection, signal);
    const record: ServiceRecord = {
      id: request.id,
      name: request.name ?? request.id,
      control: request.control,
      connection,
      datadir,
      incarnation: facts.incarnation ?? randomUUID(),
      created_at: toRfc3339(new Date(this.#context.clock.now())),
    };
    const { version, server_id, hostname } = facts;
    return { record, server: { version, server_id, hostname, datadir: facts.datadir } };
  }
}
