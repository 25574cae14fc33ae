import { createHash } from 'node:crypto';
import { defaultStorageOf, localStorage } from '../../contract/default-storage.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import { type DefaultFor, limitBytes, type ObjectLock, type StorageRequest } from '../../contract/storages.ts';
import { toRfc3339 } from '../../contract/time.ts';
import {
  changeStorage,
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
import { rememberGtids } from '../retention/known-gtids.ts';
import { ByteLimit } from '../storage/byte-limit.ts';
import { limitedStore } from '../storage/limited-store.ts';
import { localDirectory } from '../storage/local-directory.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openStorage, type StorageAccess } from '../storage/open-storage.ts';
import { demandObjectLock, probeStorage } from '../storage/probe.ts';
import { brief } from '../storage/retry.ts';
import type { StateStore } from '../store/state-store.ts';
import { newStorageFile } from './new-storage-file.ts';
import { StorageReach } from './reach.ts';
import { backsUpTo, isDefaultOf, localIsDefault, localIsUnlimited, taken } from './refusals.ts';
import { remarksOn } from './remarks.ts';
import { yielded } from './yielded-default.ts';

interface Context {
  home: Home;
  state: Pick<StateStore, 'archivedLogs' | 'backups' | 'removals' | 'schedules' | 'services'>;
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
  /** Which of them answer. */
  readonly reach: StorageReach;
  /** What opens the encrypted ones among the backups in any of them. */
  readonly identities: Identities;
  /** Told when there is a new one: what lies in it is taken into the index. */
  onAdded: (name: string) => void = () => {};

  constructor(context: Context) {
    this.#context = context;
    this.reach = new StorageReach(this, context.clock);
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

  /** Where a service's backups go unless something else is said. */
  defaultFor(serviceId: string): string {
    const files = [...this.#open.values()].flatMap(({ file }) => (file === undefined ? [] : [file]));
    return defaultStorageOf(files, serviceId);
  }

  /** Whether backups of a service would go to a place where none of it has been before, and no person has sent them. */
  isNewTo(serviceId: string, name: string): boolean {
    if (name === localStorage || this.defaultFor(serviceId) === name) return false;
    return !this.#context.state.backups.isUsedBy(name, serviceId);
  }

  /** Whether a storage is on the list and answered when it was last asked. */
  isInReach(name: string): boolean {
    return this.#open.has(name) && this.reach.troubleOf(name) === undefined;
  }

  /** Undefined also of a storage that is not on the list. */
  lockOf(name: string): ObjectLock | undefined {
    return this.#open.get(name)?.file?.object_lock;
  }

  /** Bytes that may still be written, of those storages where it is known: folders. */
  async freeBytes(): Promise<Map<string, number>> {
    const found = await Promise.all(
      [...this.#open].map(async ([name, { store }]) => ({
        name,
        free: await store.freeBytes().catch(() => undefined),
      })),
    );
    return new Map(found.flatMap(({ name, free }) => (free === undefined ? [] : [[name, free]])));
  }

  files(): { name: string; url: string; file: StorageFile | undefined }[] {
    return [...this.#open].map(([name, { file, store }]) => ({ name, url: store.url, file }));
  }

  /** Registers a storage, once all that backups and restores do there was tried. Throws what fails, by its own words. */
  add(request: StorageRequest): Promise<string[]> {
    return this.#inTurn(() => this.#add(request, false));
  }

  async #add(request: StorageRequest, unnamed: boolean): Promise<string[]> {
    const { name, path, credentials, default_for, object_lock, recipients = [] } = request;
    if (this.#open.has(name)) throw taken(`There is a storage "${name}" already.`, 'Choose another name.');
    const store = openStorage({ path, credentials }, brief);
    const same = this.files().find(({ url }) => url === store.url);
    if (same) throw taken(`${store.url} is registered as storage "${same.name}" already.`, 'Use that one.');
    if (object_lock !== undefined) await demandObjectLock(store);
    await checkRecipients(recipients);
    const features = await probeStorage(store);
    const file = newStorageFile({ ...request, path: store.url }, unnamed, new Date(this.#context.clock.now()));
    writeStorage(this.#context.home, file);
    this.#take(file);
    if (default_for !== undefined) this.setDefault(name, default_for);
    this.onAdded(name);
    return remarksOn(features);
  }

  /** The storage for the bucket of one request: a registered one, or one that is registered now under a name of its own. */
  forBucket(path: string, credentials: string | undefined): Promise<string> {
    return this.#inTurn(() => this.#forBucket(path, credentials));
  }

  async #forBucket(path: string, credentials: string | undefined): Promise<string> {
    const { url } = openStorage({ path, credentials });
    const known = this.files().find((each) => each.url === url);
    if (known === undefined) {
      const name = `bucket-${createHash('sha256').update(url).digest('hex').slice(0, 12)}`;
      await this.#add({ name, path: url as StorageRequest['path'], credentials }, true);
      return name;
    }
    const { name, file } = known;
    if (file === undefined || credentials === undefined || credentials === file.credentials) return name;
    if (!file.unnamed) {
      throw taken(`${url} is registered as storage "${name}", with other credentials.`, `Use "storage": "${name}".`);
    }
    // New keys for the bucket of earlier requests: the old ones may be void by now.
    await probeStorage(openStorage({ path, credentials }, brief));
    this.#take(this.#change(name, (was) => ({ ...was, credentials })));
    return name;
  }

  /** Writes to a storage, reads back and empties it again. Returns what it does otherwise than most. */
  async check(name: string): Promise<string[]> {
    const { file, store } = this.#find(name);
    const features = await probeStorage(file === undefined ? store : openStorage(unlocked(file), brief));
    this.reach.answered(name);
    return remarksOn(features);
  }

  /** From now on, also for what moves already if that was limited when it began. Null takes the limit away. */
  setLimit(name: string, limit: string | null): void {
    const open = this.#find(name);
    if (open.file === undefined) throw localIsUnlimited();
    this.#change(name, ({ limit: _before, ...rest }) => (limit === null ? rest : { ...rest, limit }));
    open.limit.bytesPerSecond = limit === null ? undefined : limitBytes(limit);
  }

  setDefault(name: string, defaultFor: DefaultFor | null): void {
    const { file } = this.#find(name);
    if (file === undefined) throw localIsDefault();
    const services = Array.isArray(defaultFor) ? [...new Set(defaultFor.map(serviceIdOf))] : defaultFor;
    for (const { file: other } of [...this.#open.values()]) {
      if (other === undefined || other.name === name || services === null) continue;
      const left = yielded(other.default_for, services);
      if (left !== other.default_for) this.#setDefault(other.name, left);
    }
    this.#setDefault(name, services ?? undefined);
  }

  /** To whom backups that are taken from now on are encrypted; none: to nobody. Throws `invalid_request`. */
  async setRecipients(name: string, recipients: readonly string[]): Promise<void> {
    const unique = [...new Set(recipients)];
    await checkRecipients(unique);
    const { file, store, limit } = this.#find(name);
    const change = ({ recipients: _before, ...rest }: StorageFile): StorageFile =>
      unique.length === 0 ? rest : { ...rest, recipients: unique };
    const added_at = toRfc3339(new Date(this.#context.clock.now()));
    const changed =
      file === undefined ? change({ format: 1, name, path: store.url, added_at }) : this.#change(name, change);
    if (file === undefined) writeStorage(this.#context.home, changed);
    // The store stays: what is being written or read in it goes on.
    this.#put(name, file === undefined ? undefined : changed, store, changed, limit);
  }

  /** Takes a storage off the list; what lies in it stays. Throws `conflict` while something needs it. */
  remove(name: string): void {
    const { file } = this.#find(name);
    const { backups, schedules } = this.#context.state;
    const [schedule] = schedules.repeated().filter(({ storage }) => storage === name);
    if (file === undefined) throw taken('The local storage stays.', 'It is the repository in the home of the daemon.');
    if (schedule !== undefined) throw backsUpTo(schedule, name);
    if (file.default_for !== undefined) throw isDefaultOf(file.default_for, name);
    if (backups.running().some(({ id }) => this.nameOf(id) === name)) {
      throw taken(`A backup to "${name}" is running.`, 'Wait for it to end, or cancel it.');
    }
    removeStorage(this.#context.home, name);
    this.#open.delete(name);
    this.reach.answered(name);
    for (const { storage, service_id } of backups.usedStorages()) {
      if (storage === name) rememberGtids(this.#context.state, service_id);
    }
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

  /** In its file. What is open stays so: it knows what it is writing. */
  #change(name: string, change: (file: StorageFile) => StorageFile): StorageFile {
    const file = changeStorage(this.#context.home, name, change);
    if (file === undefined) throw new SkybackupError('not_found', `The file of storage "${name}" is gone.`);
    this.#open.set(name, { ...this.#find(name), file });
    return file;
  }

  #setDefault(name: string, services: DefaultFor | undefined): void {
    this.#change(name, ({ default_for: _before, ...rest }) =>
      services === undefined ? rest : { ...rest, default_for: services },
    );
  }

  /** Trying a storage out takes a while: of two that are added at once, the second sees the first. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
  #turn: Promise<unknown> = Promise.resolve();
}

/** What a check writes is removed again: it must not be locked. */
function unlocked({ path, credentials }: StorageFile): StorageAccess {
  return { path, credentials };
}
