import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { encodeS3Credentials } from '../../../src/contract/credentials.ts';
import type { Job } from '../../../src/contract/jobs.ts';
import { Restore } from '../../../src/contract/restores.ts';
import type { Connection } from '../../../src/contract/services.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import { type Answer, startDaemon, type TestDaemon } from '../../servers/daemon.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { startS3, type TestS3 } from '../../servers/swift-s3.ts';

type Checksums = Record<string, number | null>;

/** A daemon, a server that it knows nothing of, and a bucket into which that one's backups are put by hand. */
export interface ForeignWorld {
  daemon: TestDaemon;
  s3: TestS3;
  source: TestMariadbd;
  /** Of the user tables of the source. */
  wanted: Checksums;
  /** For what a shell makes: $BACKUP is a prepared backup directory, $RAW one that is not, $SOCKET the source's. */
  folder: string;
  bucket: string;
  credentials: string;
  /** Runs a pipe in the shell, as documentation writes it, and puts what it prints into the bucket. */
  put(key: string, pipe: string): Promise<string>;
  putBytes(key: string, bytes: Buffer): Promise<string>;
  /** POST of a restore from the bucket, as an administrator. */
  restore(key: string, more: Record<string, unknown>, source?: Record<string, unknown>): Promise<Answer>;
  /** The same, to its end. */
  restored(...request: Parameters<ForeignWorld['restore']>): Promise<{ restore: Restore; job: Job }>;
  /** Of the user tables of a managed service. */
  tablesOf(serviceId: string): Promise<Checksums>;
  sql(serviceId: string, text: string): Promise<string>;
  dispose(): Promise<void>;
}

export async function foreignWorld(): Promise<ForeignWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'skb-foreign-'));
  const [source, s3, daemon] = await Promise.all([
    startMariadbd({ seed: true }),
    startS3(),
    startDaemon({ args: ['--listen', '127.0.0.1:0'] }),
  ]);
  const store = s3.store({ prefix: 'foreign' });
  const bucket = `s3://${s3.bucket}/foreign/`;
  const credentials = encodeS3Credentials(s3.credentials);
  const shell = (pipe: string, cwd = folder) =>
    execa('bash', ['-o', 'pipefail', '-c', pipe], {
      stderr: 'inherit',
      cwd,
      encoding: 'buffer',
      maxBuffer: 1024 ** 3,
      env: { SOCKET: source.socket, BACKUP: join(folder, 'backup'), RAW: join(folder, 'raw') },
    });
  const login = '--no-defaults --user=root --socket=$SOCKET';
  for (const name of ['backup', 'raw']) {
    await shell(`mariadb-backup ${login} --backup --datadir=${source.datadir} --target-dir=$PWD/${name}`);
  }
  await shell('mariadb-backup --no-defaults --prepare --target-dir=$BACKUP');
  const clientOf = (id: string): Connection => ({
    socket: '',
    defaults_file: join(daemon.home.services, id, 'client.cnf'),
  });
  const world: ForeignWorld = {
    daemon,
    s3,
    source,
    wanted: userTables(await checksums(source.connection)),
    folder,
    bucket,
    credentials,
    async put(key, pipe) {
      const { stdout } = await shell(pipe.replaceAll('$LOGIN', login).replaceAll('$DATADIR', source.datadir));
      return world.putBytes(key, Buffer.from(stdout));
    },
    async putBytes(key, bytes) {
      await store.put(key, bytes);
      return key;
    },
    restore: (key, more, external = {}) =>
      daemon.request('POST', '/skybackup/v1/restores', {
        id: `/${key}`,
        external_source: { bucket, credentials, ...external },
        ...more,
      }),
    async restored(...request) {
      const answer = await world.restore(...request);
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
      const restore = Restore.parse(answer.body);
      const job = await daemon.ended(restore.job_id ?? 0);
      return { restore: await daemon.api.getRestore(restore.id), job };
    },
    async tablesOf(id) {
      const { socket } = await daemon.api.getService(id);
      return userTables(
        await checksums({ ...clientOf(id), ...(socket === undefined ? {} : { socket: String(socket) }) }),
      );
    },
    async sql(id, text) {
      const args = [`--defaults-file=${clientOf(id).defaults_file}`, '--batch', '--skip-column-names'];
      return (await execa(findTool('mariadb'), args, { input: text })).stdout;
    },
    async dispose() {
      await Promise.all([daemon.dispose(), s3.stop(), source.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}

/** Everything that anything of the daemon wrote down: state with its log, and what it logged. */
export function writtenBy({ home, log }: TestDaemon): string {
  const files = [home.state, `${home.state}-wal`].map((file) => {
    try {
      return readFileSync(file, 'latin1');
    } catch {
      return '';
    }
  });
  return [...files, log()].join('\n');
}

function userTables(all: Checksums): Checksums {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('mysql.')));
}
