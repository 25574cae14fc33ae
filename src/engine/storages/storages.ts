import { createHash } from 'node:crypto';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import { type DefaultFor, limitBytes, localStorage, type StorageRequest } from '../../contract/storages.ts';
import { toRfc3339 } from '../../contract/time.ts';
import {
  readLocalStorage,
  readStorages,
  removeStorage,
  type StorageFile,
  writeStorage,
} from '../../storages/storage-files.ts';
import type { Clock } from '../clock.ts';
import { checkRecipients } from '../encryption/age.ts';
import { Identities } from '../encryption/identities.ts';
import { openRepository } from '../repository/open.ts';
import type { BackupRepository } from '../repository/repository.ts';
import { ByteLimit } from '../storage/byte-limit.ts';
import { limitedStore } from '../storage/limited-store.ts';
import { localDirectory } from '../storage/local-directory.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openStorage } from '../storage/open-storage.ts';
import { probeStorage } from '../storage/probe.ts';
import type { StateStore } from '../store/state-store.ts';
import { remarksOn } from './remarks.ts';

interface Context {
  home: Home;
  state: Pick<StateStore, 'backups' | 'removals' | 'schedules'>;
  clock: Clock;
}

interface OpenStorage {
  /** Undefined of the local one. */
  file: StorageFile | undefined;
  store: ObjectStore;
  repository: BackupRepository;
  /** Of all that moves to and from it. */
  limit: ByteLimit;
}

/** The places for backups: the repository in the home, and what people registered beside it. */
export class Storages {
  readonly #context: Context;
  readonly #open = new Map<string, OpenStorage>();
  /** What opens the encrypted ones among the backups in any of them. */
  readonly identities: Identities;
  /** Told when there is a new one: what lies in it is taken into the index. */
  onAdded: (name: string) => void = () => {};

  constructor(context: Context) {
    this.#context = context;
    this.identities = new Identities(context.home);
    this.#put(localStorage, undefined, localDirectory(context.home.repository), readLocalStorage(context.home));
    for (const file of readStorages(context.home)) this.#take(file);
  }

  /** The local one first. */
  names(): string[] {
    return [...this.#open.keys()];
  }

  /** Throws `not_found` naming those there are. */
  at(name: string): BackupRepository {
    return this.#find(name).repository;
  }

  /** Where a backup lies, or is to lie; of one that nobody knows, the local one. */
  nameOf(backupId: string): string {
    const { backups, removals } = this.#context.state;
    return backups.storageOf(backupId) ?? removals.storageOf(backupId) ?? localStorage;
  }

  /** Where a backup lies. Throws `not_found` for one in a storage that was taken off the list. */
  of(backupId: string): BackupRepository {
    return this.at(this.nameOf(backupId));
  }

  /** Where a service's backups go unless something else is said: what names the service comes before what names all. */
  defaultFor(serviceId: string): string {
    const files = [...this.#open.values()].flatMap(({ file }) => (file === undefined ? [] : [file]));
    const own = files.find(({ default_for }) => default_for !== 'all' && default_for?.includes(serviceId));
    return (own ?? files.find(({ default_for }) => default_for === 'all'))?.name ?? localStorage;
  }

  /** Whether backups of a service would go to a place where none of it has been before, and no person has sent them. */
  isNewTo(serviceId: string, name: string): boolean {
    if (name === localStorage || this.defaultFor(serviceId) === name) return false;
    return !this.#context.state.backups.isUsedBy(name, serviceId);
  }

  files(): { name: string; url: string; file: StorageFile | undefined }[] {
    return [...this.#open].map(([name, { file, store }]) => ({ name, url: store.url, file }));
  }

  /** Registers a storage, once all that backups and restores do there was tried. Throws what fails, by its own words. */
  async add(request: StorageRequest, unnamed = false): Promise<string[]> {
    const { name, path, credentials, default_for, limit, recipients = [] } = request;
    if (this.#open.has(name)) throw taken(`There is a storage "${name}" already.`, 'Choose another name.');
    const store = openStorage({ path, credentials });
    const same = this.files().find(({ url }) => url === store.url);
    if (same) throw taken(`${store.url} is registered as storage "${same.name}" already.`, 'Use that one.');
    await checkRecipients(recipients);
    const features = await probeStorage(store);
    if (this.#open.has(name)) throw taken(`There is a storage "${name}" already.`, 'Choose another name.');
    const file: StorageFile = {
      format: 1,
      name,
      path: store.url,
      ...(credentials === undefined ? {} : { credentials }),
      ...(limit === undefined ? {} : { limit }),
      ...(unnamed ? { unnamed } : {}),
      ...(recipients.length === 0 ? {} : { recipients }),
      added_at: toRfc3339(new Date(this.#context.clock.now())),
    };
    writeStorage(this.#context.home, file);
    this.#take(file);
    if (default_for !== undefined) this.setDefault(name, default_for);
    this.onAdded(name);
    return remarksOn(features);
  }

  /** The storage for the bucket of one request: a registered one, or one that is registered now under a name of its own. */
  async forBucket(path: string, credentials: string | undefined): Promise<string> {
    const { url } = openStorage({ path, credentials });
    const known = this.files().find((each) => each.url === url);
    if (known === undefined) {
      const name = `bucket-${createHash('sha256').update(url).digest('hex').slice(0, 12)}`;
      await this.add({ name, path: url as StorageRequest['path'], credentials }, true);
      return name;
    }
    const { name, file } = known;
    if (file === undefined || credentials === undefined || credentials === file.credentials) return name;
    if (!file.unnamed) {
      throw taken(`${url} is registered as storage "${name}", with other credentials.`, `Use "storage": "${name}".`);
    }
    // New keys for the bucket of earlier requests: the old ones may be void by now.
    await probeStorage(openStorage({ path, credentials }));
    const renewed = { ...file, credentials };
    writeStorage(this.#context.home, renewed);
    this.#take(renewed);
    return name;
  }

  /** Writes to a storage, reads back and empties it again. Returns what it does otherwise than most. */
  async check(name: string): Promise<string[]> {
    return remarksOn(await probeStorage(this.#find(name).store));
  }

  /** From now on, also for what moves already if that was limited when it began. Null takes the limit away. */
  setLimit(name: string, limit: string | null): void {
    const { file } = this.#find(name);
    if (file === undefined) {
      throw new SkybackupError('invalid_request', 'The local storage has no limit.', {
        hint: 'A limit is for what lies behind a network: name another storage.',
      });
    }
    const { limit: _before, ...rest } = file;
    this.#replace(limit === null ? rest : { ...rest, limit });
  }

  setDefault(name: string, defaultFor: DefaultFor | null): void {
    const { file } = this.#find(name);
    if (file === undefined) {
      throw new SkybackupError(
        'invalid_request',
        'The local storage is where backups go that no other is default for.',
        {
          hint: 'Take the default from another storage: "skybackup storages default <name> --none".',
        },
      );
    }
    const services = Array.isArray(defaultFor) ? defaultFor.map(serviceIdOf) : defaultFor;
    for (const { file: other } of this.#open.values()) {
      if (other !== undefined && other.name !== name) this.#yield(other, services);
    }
    const { default_for: _before, ...rest } = file;
    this.#replace(services === null ? rest : { ...rest, default_for: services });
  }

  /** To whom backups that are taken from now on are encrypted; none: to nobody. Throws `invalid_request`. */
  async setRecipients(name: string, recipients: readonly string[]): Promise<void> {
    const unique = [...new Set(recipients)];
    await checkRecipients(unique);
    const { file, store, limit } = this.#find(name);
    const added_at = toRfc3339(new Date(this.#context.clock.now()));
    const { recipients: _before, ...rest } = file ?? { format: 1 as const, name, path: store.url, added_at };
    const changed: StorageFile = unique.length === 0 ? rest : { ...rest, recipients: unique };
    writeStorage(this.#context.home, changed);
    // The store stays: what is being written or read in it goes on.
    this.#put(name, file === undefined ? undefined : changed, store, changed, limit);
  }

  /** Takes a storage off the list; what lies in it stays. Throws `conflict` while something needs it. */
  remove(name: string): void {
    const { file } = this.#find(name);
    const { backups, schedules } = this.#context.state;
    const [schedule] = schedules.repeated().filter(({ storage }) => storage === name);
    if (file === undefined) throw taken('The local storage stays.', 'It is the repository in the home of the daemon.');
    if (schedule !== undefined) {
      throw taken(
        `Schedule ${schedule.id} of ${schedule.service_id} backs up to "${name}".`,
        'Delete the schedule first.',
      );
    }
    if (file.default_for !== undefined) {
      throw taken(
        `"${name}" is the default of ${inWords(file.default_for)}.`,
        `First: skybackup storages default ${name} --none.`,
      );
    }
    if (backups.running().some(({ id }) => this.nameOf(id) === name)) {
      throw taken(`A backup to "${name}" is running.`, 'Wait for it to end, or cancel it.');
    }
    removeStorage(this.#context.home, name);
    this.#open.delete(name);
    backups.forgetStorage(name);
  }

  #find(name: string): OpenStorage {
    const found = this.#open.get(name);
    if (found !== undefined) return found;
    throw new SkybackupError('not_found', `There is no storage "${name.slice(0, 100)}".`, {
      hint: `There are: ${this.names().join(', ')}. A person adds one with "skybackup storages add".`,
    });
  }

  #take(file: StorageFile): void {
    const limit = this.#open.get(file.name)?.limit ?? new ByteLimit();
    this.#put(file.name, file, limitedStore(openStorage(file), limit), file, limit);
  }

  /** A backup that is being taken goes on with the repository, and so the recipients, that it began with. */
  #put(
    name: string,
    file: StorageFile | undefined,
    store: ObjectStore,
    set: StorageFile | undefined,
    limit = new ByteLimit(),
  ): void {
    const repository = openRepository(store, { recipients: set?.recipients ?? [], identities: this.identities });
    limit.bytesPerSecond = set?.limit === undefined ? undefined : limitBytes(set.limit);
    this.#open.set(name, { file, store, repository, limit });
  }

  /** Its place and credentials are as before: what runs there goes on in the same store. */
  #replace(file: StorageFile): void {
    writeStorage(this.#context.home, file);
    const { store, limit } = this.#find(file.name);
    this.#put(file.name, file, store, file, limit);
  }

  /** One service has one default. */
  #yield(file: StorageFile, services: DefaultFor | null): void {
    const { default_for: had, ...rest } = file;
    if (had === undefined || services === null) return;
    if (had === 'all' || services === 'all') {
      if (had === services) this.#replace(rest);
      return;
    }
    const left = had.filter((id) => !services.includes(id));
    if (left.length < had.length) this.#replace(left.length === 0 ? rest : { ...rest, default_for: left });
  }
}

function inWords(defaultFor: DefaultFor): string {
  return defaultFor === 'all' ? 'all services' : defaultFor.join(', ');
}

function taken(message: string, hint: string): SkybackupError {
  return new SkybackupError('conflict', message, { hint, retryable: false });
}
