import { takeFullBackup } from '../../../src/engine/backup/full.ts';
import { connectWith } from '../../../src/engine/mariadb/connect.ts';
import { planRecovery } from '../../../src/engine/recovery/plan-recovery.ts';
import { resolveRollForward } from '../../../src/engine/recovery/resolve.ts';
import { serviceHistory } from '../../../src/engine/recovery/service-history.ts';
import { readWish } from '../../../src/engine/recovery/wish.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { buildData } from '../../../src/engine/restore/build-data.ts';
import type { RestoreSource, RollForward } from '../../../src/engine/restore/source.ts';
import { removeStaging, stagingOf } from '../../../src/engine/restore/staging.ts';
import { recordBackup } from '../../../src/engine/store/reconcile-catalogue.ts';
import type { TestMariadbd } from '../../servers/mariadbd.ts';
import { checksumsOf } from '../../servers/mariadbd.ts';
import { backupId, inputOf, type RecordedJob, recordedJob } from '../backup/backup-world.ts';
import { type ArchiveWorld, archiveWorld } from '../binlog/archive-world.ts';

export type Tables = Record<string, number | null>;

/** The data after some transactions. */
export interface Moment {
  /** The position, with every domain. */
  gtids: string;
  /** Whole seconds by the server's clock. */
  time: string;
  tables: Tables;
}

export interface RecoveryWorld extends ArchiveWorld {
  /** Takes a full backup and notes it. */
  full(): Promise<Manifest>;
  /** Runs statements and notes what the data are then. */
  moment(sql: string): Promise<Moment>;
  /** What a restore of the service would be made from. */
  source(wish: Wanted, base?: Manifest): Promise<RestoreSource>;
  /** Makes the data of a wish as a restore does, up to the exchange, and tells what they are. */
  rebuilt(wish: Wanted, base?: Manifest, job?: RecordedJob): Promise<Tables>;
  rebuiltFrom(source: RestoreSource, job?: RecordedJob): Promise<Tables>;
}

type Wanted = Parameters<typeof readWish>[0];

/** By the clock, another second: times in a log have no finer grain. */
export const nextSecond = 'DO SLEEP(1.05);';

let restores = 0;

export function recoveryWorld(server: TestMariadbd): RecoveryWorld {
  const archive = archiveWorld(server);
  const { state } = archive;
  const { repository } = archive.input();
  const world: RecoveryWorld = {
    ...archive,
    async full() {
      const manifest = await takeFullBackup(inputOf(server, { repository, backupId: backupId() }), recordedJob());
      recordBackup(state, manifest);
      return manifest;
    },
    async moment(sql) {
      await server.sql(sql);
      const [gtids = '', time = ''] = (await server.sql('SELECT @@gtid_binlog_pos, UTC_TIMESTAMP()')).split('\t');
      return { gtids, time, tables: await userTables(await server.checksums()) };
    },
    async source(wanted, base) {
      const wish = readWish(wanted);
      if (wish === undefined) throw new Error('no wish');
      const { history, reaches } = serviceHistory({ state }, 'shop', base?.id);
      const [{ reach }] = planRecovery(reaches, wish, { history, now: Date.now(), subject: 'shop' });
      const backup = await repository.manifest('shop', reach.base.id);
      if (backup === undefined) throw new Error('the backup is gone');
      const found = await resolveRollForward({ repository }, backup, reach, wish, AbortSignal.timeout(30_000));
      if (found === 'before') throw new Error('the wish lies before the backup');
      const source = { backups: [backup] } as const;
      return found === undefined ? source : { ...source, rollForward: found satisfies RollForward };
    },
    rebuilt: async (wanted, base, job) => world.rebuiltFrom(await world.source(wanted, base), job),
    async rebuiltFrom(source, job = recordedJob()) {
      restores += 1;
      const staging = stagingOf({ data: server.datadir, beside: server.root }, restores);
      try {
        const { server: data } = await buildData(source, repository, staging, { serverId: 4711 }, job);
        try {
          const again = await connectWith(data.login);
          try {
            return await userTables(await checksumsOf(again));
          } finally {
            await again.close();
          }
        } finally {
          await data.discard();
        }
      } finally {
        await removeStaging(staging);
      }
    },
  };
  return world;
}

/** Accounts are left out: those of the private server are among them. */
export function userTables(all: Tables): Tables {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !/^mysql\.(global_priv|event)$/.test(name)));
}
