import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { openCommand } from '../../../src/engine/encryption/age.ts';
import { noIdentities } from '../../../src/engine/encryption/identities.ts';
import type { JobContext } from '../../../src/engine/job-context.ts';
import { startCommand } from '../../../src/engine/mariadb/command.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { findTool, toolVersion } from '../../../src/engine/mariadb/tools.ts';
import { Manifest } from '../../../src/engine/repository/manifest.ts';
import type { Repository } from '../../../src/engine/repository/repository.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';

export interface SampleBackup {
  manifest: Manifest;
  /** The compressed stream. */
  file: string;
}

/** A full backup of a managed service, taken with the tools alone: the restore is tested without our own backups. */
export async function takeSampleBackup(service: ServiceRecord, folder: string): Promise<SampleBackup> {
  const id = randomUUID().replaceAll('-', '');
  const file = join(folder, `${id}.xbstream.zst`);
  const lsnFolder = join(folder, `${id}.lsn`);
  const backup = startCommand({
    path: findTool('mariadb-backup'),
    args: [
      `--defaults-file=${service.connection.defaults_file}`,
      '--backup',
      `--socket=${service.connection.socket}`,
      `--datadir=${service.datadir}`,
      '--stream=mbstream',
      `--extra-lsndir=${lsnFolder}`,
    ],
  });
  if (backup.stdout === null) throw new Error('no stdout');
  let bytes = 0;
  const zstd = startCommand({ path: findTool('zstd'), args: ['-1', '-q', '-c'] }, { stdin: 'pipe' });
  if (zstd.stdin === null || zstd.stdout === null) throw new Error('no pipes');
  const counted = backup.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await Promise.all([pipeline(counted, zstd.stdin), pipeline(zstd.stdout, createWriteStream(file))]);
  for (const exit of await Promise.all([backup.exit, zstd.exit])) {
    if (exit.code !== 0) throw new Error(`${exit.name}: ${exit.stderr.join('\n')}`);
  }
  const checkpoints = keyValues(readFileSync(join(lsnFolder, 'xtrabackup_checkpoints'), 'utf8'));
  const info = keyValues(readFileSync(join(lsnFolder, 'xtrabackup_info'), 'utf8'));
  const binlog = /filename '([^']+)', position '(\d+)'(?:, GTID of the last change '([^']*)')?/.exec(
    info.binlog_pos ?? '',
  );
  const connection = await connect(service.connection);
  const [facts] = await connection.query<{
    version: string;
    server_id: number;
    hostname: string;
    page: number;
    file: string;
  }>(
    'SELECT @@version AS version, @@server_id AS server_id, @@hostname AS hostname, @@innodb_page_size AS page, @@innodb_data_file_path AS file',
  );
  const tables = await connection.query<{ schema: string; name: string; engine: string | null }>(
    `SELECT table_schema AS \`schema\`, table_name AS name, engine FROM information_schema.tables
     WHERE table_type NOT LIKE '%VIEW' AND table_schema NOT IN ('information_schema', 'performance_schema')`,
  );
  await connection.close();
  const content = readFileSync(file);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const now = new Date().toISOString();
  const manifest: Manifest = Manifest.parse({
    format: 1,
    id: `${id}:${service.id}:pod`,
    service_id: service.id,
    service_name: service.name,
    server_pod: 'pod',
    type: 'full',
    method: 'mariabackup',
    incarnation: service.incarnation,
    parent: null,
    full: null,
    lsn: { from: checkpoints.from_lsn, to: checkpoints.to_lsn, last: checkpoints.last_lsn },
    binlog: { file: binlog?.[1] ?? '', position: Number(binlog?.[2]), gtid: binlog?.[3] ?? '' },
    server: {
      version: facts?.version,
      server_id: facts?.server_id,
      hostname: facts?.hostname,
      options: { innodb_page_size: String(facts?.page), innodb_data_file_path: facts?.file ?? '', datadir: '/etc' },
    },
    tool_version: await toolVersion('mariadb-backup'),
    tables: tables.map((table) => ({ ...table, rows: null, bytes: null })),
    started_at: now,
    ended_at: now,
    point_in_time: now,
    objects: [{ key: `${id}`, bytes: statSync(file).size, block_bytes: 64 * 1024 * 1024, blocks: [sha256] }],
    disk_bytes: bytes,
    compression: 'zstd',
    encryption: null,
  });
  return { manifest, file };
}

/** A repository of one backup. `read` can be replaced to fail as a real one does. */
export function sampleRepository(
  backup: SampleBackup,
  read?: (manifest: Manifest, signal: AbortSignal) => Readable,
): Repository {
  return {
    url: 'file:///sample',
    manifest: async () => backup.manifest,
    read: read ?? (() => createReadStream(backup.file)),
    opener: async (of) => (of.encryption === null ? undefined : openCommand(await noIdentities.openerOf(of))),
  };
}

export interface TestJob extends JobContext {
  readonly phases: string[];
  readonly warnings: string[];
  cancel(): void;
}

/** A job that remembers what it was told; `onPhase` may cancel it. */
export function testJob(onPhase: (name: string, job: TestJob) => void = () => {}): TestJob {
  const controller = new AbortController();
  const job: TestJob = {
    signal: controller.signal,
    phases: [],
    warnings: [],
    cancel: () => controller.abort(),
    phase: (name) => {
      job.phases.push(name);
      onPhase(name, job);
    },
    progress: () => {},
    warn: (message) => job.warnings.push(message),
  };
  return job;
}

/** Runs SQL through the client (DELIMITER works) as the daemon's own account. */
export async function sqlOn(service: ServiceRecord, text: string): Promise<string> {
  const args = [
    `--defaults-file=${service.connection.defaults_file}`,
    '--default-character-set=utf8mb4',
    '--batch',
    '--skip-column-names',
  ];
  return (await execa(findTool('mariadb'), args, { input: text })).stdout;
}

function keyValues(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(' = ');
      return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 3).trim()]];
    }),
  );
}
