import { join } from 'node:path';
import { type FullBackupInput, takeFullBackup } from '../../../src/engine/backup/full.ts';
import { takeIncrementalBackup } from '../../../src/engine/backup/incremental.ts';
import { systemClock } from '../../../src/engine/clock.ts';
import { serviceLineage } from '../../../src/engine/jobs/service-lineage.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import type { BackupRepository } from '../../../src/engine/repository/repository.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { openState, type StateStore } from '../../../src/engine/store/state-store.ts';
import type { TestMariadbd } from '../../servers/mariadbd.ts';
import { backupId, type RecordedJob, recordedJob, serviceOf } from './backup-world.ts';

/** A test server registered in a real state, with its chains. */
export interface Registered extends Disposable {
  state: StateStore;
  repository: BackupRepository;
  /** As it is recorded now. */
  service(): ServiceRecord;
  full(options?: TakeOptions): Promise<Manifest>;
  incremental(options?: TakeOptions & { orFull?: boolean }): Promise<Manifest>;
  /** The file of a backup's bytes. */
  object(manifest: Manifest): string;
}

export interface TakeOptions {
  job?: RecordedJob;
  input?: Partial<FullBackupInput>;
}

export function register(server: TestMariadbd): Registered {
  const root = join(server.root, 'repository');
  const repository = openRepository(localDirectory(root));
  const state = openState(join(server.root, 'state.db'));
  const { id } = serviceOf(server);
  state.services.add(serviceOf(server));
  const service = (): ServiceRecord => state.services.get(id) ?? serviceOf(server);
  const take = async (
    { job = recordedJob(), input = {} }: TakeOptions,
    how: (input: FullBackupInput, job: RecordedJob) => Promise<Manifest>,
  ): Promise<Manifest> => {
    const lineage = serviceLineage({ state, repository, clock: systemClock }, service(), 'local', job);
    const manifest = await how(
      { service: service(), backupId: backupId(), repository, lineage, beforePublish: () => {}, ...input },
      job,
    );
    state.backups.publish(manifest);
    return manifest;
  };
  return {
    state,
    repository,
    service,
    full: (options = {}) => take(options, takeFullBackup),
    incremental: ({ orFull = false, ...options } = {}) =>
      take(options, (input, job) => takeIncrementalBackup({ ...input, orFull }, job)),
    object: ({ objects: [object] }) => join(root, object.key),
    [Symbol.dispose]: () => state.close(),
  };
}
