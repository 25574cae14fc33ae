import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Home, homeOf } from '../src/contract/home.ts';
import { toRfc3339 } from '../src/contract/time.ts';
import { backupPrefix, type Manifest } from '../src/engine/repository/manifest.ts';
import { encodeManifest, manifestKey } from '../src/engine/repository/manifest-file.ts';
import { nextRunAfter } from '../src/engine/schedule/next-run.ts';
import { recordBackup } from '../src/engine/store/reconcile-catalogue.ts';
import { openState } from '../src/engine/store/state-store.ts';

/** A home whose daemon has much, or little, to remember. All of it is of the last week, so that nothing expires. */
export interface CatalogueHome {
  home: Home;
  backups: number;
  schedules: number;
  services: number;
  dispose(): void;
}

const hour = 3_600_000;
const backupsPerService = 100;
const schedulesPerService = 10;

export const serviceOf = (number: number): string => `svc-${String(number).padStart(5, '0')}`;

/**
 * Writes state and repository directly. A service has as many backups and schedules in either home: what differs is how
 * many other services there are.
 */
export function makeCatalogue(root: string, backups: number): CatalogueHome {
  const home = homeOf({ SKYBACKUP_HOME: root });
  mkdirSync(home.root, { mode: 0o700 });
  const services = Math.max(1, Math.round(backups / backupsPerService));
  const now = Date.now();
  const state = openState(home.state);
  state.transaction(() => {
    for (let number = 0; number < services; number += 1) {
      const id = serviceOf(number);
      state.services.add({
        id,
        name: id,
        control: { kind: 'none' },
        connection: { socket: join(root, 'nobody-listens.sock') },
        datadir: undefined,
        incarnation: 'i1',
        created_at: toRfc3339(new Date(now)),
      });
      for (let each = 0; each < schedulesPerService; each += 1) {
        // In five hours at the soonest: none is due while we measure.
        const schedule = `${(number + each) % 60} ${(new Date(now).getUTCHours() + 6 + (each % 3)) % 24} * * *`;
        const next_run_at = nextRunAfter(schedule, now);
        state.schedules.add({ service_id: id, schedule, type: 'full', message: 'Nightly.', warnings: [], next_run_at });
      }
      for (let each = 0; each < backupsPerService; each += 1) {
        const manifest = manifestOf(id, number * backupsPerService + each, now - each * hour - number);
        writeBackup(home.repository, manifest);
        recordBackup(state, manifest);
      }
      state.retention.passed(id, 'Nothing had to go.', false);
    }
  });
  state.close();
  return {
    home,
    backups: services * backupsPerService,
    schedules: services * schedulesPerService,
    services,
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** What every object holds: a restore is not measured here. */
const content = Buffer.from('x');
const digest = createHash('sha256').update(content).digest('hex');

function manifestOf(serviceId: string, number: number, at: number): Manifest {
  const id = `${createHash('md5').update(`${number}`).digest('hex')}:${serviceId}:${serviceId}`;
  const moment = toRfc3339(new Date(at));
  return {
    format: 1,
    id,
    service_id: serviceId,
    service_name: serviceId,
    server_pod: serviceId,
    type: 'full',
    method: 'mariabackup',
    incarnation: 'i1',
    parent: null,
    full: null,
    lsn: { from: '0', to: '1000', last: '1000' },
    binlog: { file: 'bin.000001', position: 400, gtid: `0-1-${number}` },
    server: { version: '10.11.19-MariaDB', server_id: 1, hostname: 'db', options: { innodb_page_size: '16384' } },
    tool_version: '10.11.19-MariaDB',
    tables: Array.from({ length: 20 }, (_, table) => ({
      schema: 'shop',
      name: `table_${table}`,
      engine: 'InnoDB',
      rows: 1000,
      bytes: 65_536,
    })),
    started_at: moment,
    ended_at: moment,
    point_in_time: moment,
    objects: [
      {
        key: `${backupPrefix(serviceId, id)}/data.xbstream.zst`,
        bytes: content.length,
        block_bytes: 16 * 1024 * 1024,
        blocks: [digest],
      },
    ],
    disk_bytes: 50_000_000,
    compression: 'zstd',
    encryption: null,
  };
}

function writeBackup(repository: string, manifest: Manifest): void {
  const { service_id, id, objects } = manifest;
  mkdirSync(join(repository, backupPrefix(service_id, id)), { recursive: true, mode: 0o700 });
  for (const { key } of objects) writeFileSync(join(repository, key), content, { mode: 0o600 });
  writeFileSync(join(repository, manifestKey(service_id, id)), encodeManifest(manifest), { mode: 0o600 });
}
