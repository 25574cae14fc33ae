import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Connection } from '../../../src/contract/services.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';

/**
 * What the format promises: `zstd -d | mbstream -x`, prepare, start. None of our code touches the bytes. Incrementals are
 * unpacked and applied in the order given, oldest first.
 */
export async function restoreByHand(
  object: string,
  manifest: Manifest,
  incrementals: readonly string[] = [],
): Promise<{ connection: Connection } & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'skb-hand-'));
  const data = join(root, 'data');
  const socket = join(root, 's');
  await mkdir(data);
  try {
    await unpackAndPrepare(object, data);
    for (const [index, incremental] of incrementals.entries()) {
      await applyIncremental(incremental, data, join(root, `incremental-${index}`));
    }
  } catch (error) {
    await rm(root, { recursive: true, force: true });
    throw error;
  }
  const options = Object.entries(manifest.server.options).map(
    ([name, value]) => `--${name.replaceAll('_', '-')}=${value}`,
  );
  const server = execa(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--pid-file=${join(root, 'pid')}`,
      '--skip-networking',
      '--event-scheduler=OFF',
      ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      ...options,
    ],
    { reject: false, forceKillAfterDelay: 20_000 },
  );
  let ended = false;
  void server.then(() => {
    ended = true;
  });
  const connection: Connection = { socket, user: 'root' };
  const dispose = async (): Promise<void> => {
    server.kill('SIGTERM');
    await server;
    await rm(root, { recursive: true, force: true });
  };
  for (;;) {
    try {
      await (await connect(connection)).close();
      return { connection, [Symbol.asyncDispose]: dispose };
    } catch (error) {
      if (ended) {
        const { stderr } = await server;
        await dispose();
        throw new Error(`the restored server did not start: ${stderr.slice(-2000)}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function unpackAndPrepare(object: string, data: string): Promise<void> {
  await execa('sh', ['-c', 'zstd -dc "$0" | mbstream -x -C "$1"', object, data]);
  await execa('mariadb-backup', [
    `--defaults-file=${join(data, 'backup-my.cnf')}`,
    '--prepare',
    `--target-dir=${data}`,
  ]);
}

async function applyIncremental(object: string, data: string, unpacked: string): Promise<void> {
  await mkdir(unpacked);
  await execa('sh', ['-c', 'zstd -dc "$0" | mbstream -x -C "$1"', object, unpacked]);
  await execa('mariadb-backup', [
    `--defaults-file=${join(data, 'backup-my.cnf')}`,
    '--prepare',
    `--target-dir=${data}`,
    `--incremental-dir=${unpacked}`,
  ]);
}
