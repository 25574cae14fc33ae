import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { zstdDecompressSync } from 'node:zlib';
import { type BinlogBackupInput, takeBinlogBackup } from '../../../src/engine/binlog/archive.ts';
import { archivedBefore } from '../../../src/engine/binlog/archived.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { recordBackup } from '../../../src/engine/store/reconcile-catalogue.ts';
import { openState, type StateStore } from '../../../src/engine/store/state-store.ts';
import type { TestMariadbd } from '../../servers/mariadbd.ts';
import { type RecordedJob, recordedJob, serviceOf } from '../backup/backup-world.ts';

export interface ArchiveWorld {
  server: TestMariadbd;
  state: StateStore;
  service: ServiceRecord;
  input(change?: Partial<BinlogBackupInput>): BinlogBackupInput;
  /** Archives what is new and notes it, as a job of the daemon does. */
  archive(job?: RecordedJob): Promise<{ manifest: Manifest | undefined; warnings: string[] }>;
  /** The names of the logs that one run would archive. */
  names(): Promise<string[] | undefined>;
  /** The bytes of an archived log as they were on the server. */
  bytesOf(manifest: Manifest, name: string): Promise<Buffer>;
}

/** A server without its data directory, a repository and a state of its own. */
export function archiveWorld(server: TestMariadbd, change: Partial<ServiceRecord> = {}): ArchiveWorld {
  const service = { ...serviceOf(server, { datadir: undefined }), ...change };
  const folder = randomBytes(4).toString('hex');
  const repository = openRepository(localDirectory(join(server.root, folder)), { blockBytes: 100_000 });
  const state = openState(join(server.root, `${folder}.db`));
  const world: ArchiveWorld = {
    server,
    state,
    service,
    input: (more = {}) => ({
      service,
      backupId: `${randomBytes(16).toString('hex')}:shop:shop-0`,
      repository,
      beforePublish: () => {},
      ...archivedBefore(state, service),
      ...more,
    }),
    async archive(job = recordedJob()) {
      const manifest = await takeBinlogBackup(world.input(), job);
      if (manifest !== undefined) recordBackup(state, manifest);
      return { manifest, warnings: job.warnings };
    },
    names: async () => (await world.archive()).manifest?.logs?.map(({ name }) => name),
    async bytesOf(manifest, name) {
      const log = manifest.logs?.find((each) => each.name === name);
      const object = manifest.objects.find(({ key }) => key === log?.key);
      return zstdDecompressSync(await buffer(repository.read(manifest, AbortSignal.timeout(10_000), object)));
    },
  };
  return world;
}
