import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { findTool } from '../src/engine/mariadb/tools.ts';

const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];

/** A MariaDB server run from a shell: what the restore through the daemon is compared with. */
export interface ByHandServer {
  /** Unpacks and prepares, applies the increments oldest first, stops, exchanges the directories, starts, waits for an answer: the time of all of it, in milliseconds. */
  restore(object: string, increments?: readonly string[]): Promise<number>;
  stop(): Promise<void>;
}

export async function startByHand(root: string): Promise<ByHandServer> {
  const data = join(root, 'data');
  const socket = join(root, 's');
  mkdirSync(root);
  await execa(findTool('mariadb-install-db'), ['--no-defaults', `--datadir=${data}`, '--skip-test-db', ...asRoot]);

  async function start() {
    const child = spawn(
      findTool('mariadbd'),
      [
        '--no-defaults',
        `--datadir=${data}`,
        `--socket=${socket}`,
        '--skip-networking',
        `--log-error=${join(root, 'log')}`,
        `--log-bin=${data}/binlog`,
        ...asRoot,
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    // A server that refuses the login answers all the same, and the ping says so with rc 0.
    const ping = () =>
      execa(findTool('mariadb-admin'), ['--no-defaults', `--socket=${socket}`, 'ping'], { reject: false });
    while ((await ping()).exitCode !== 0) {
      if (child.exitCode !== null) throw new Error(`mariadbd ended with ${child.exitCode}; see ${join(root, 'log')}`);
      await delay(20);
    }
    return { child, ended };
  }
  let server = await start();
  const stop = async (): Promise<void> => {
    server.child.kill('SIGTERM');
    await server.ended;
  };

  return {
    stop,
    async restore(object, increments = []) {
      const fresh = join(root, 'fresh');
      const old = join(root, 'old');
      const since = performance.now();
      await unpack(object, fresh);
      await prepare(fresh);
      for (const increment of increments) {
        const folder = join(root, 'increment');
        await unpack(increment, folder);
        await prepare(fresh, `--incremental-dir=${folder}`);
        rmSync(folder, { recursive: true });
      }
      await stop();
      renameSync(data, old);
      renameSync(fresh, data);
      server = await start();
      const took = performance.now() - since;
      rmSync(old, { recursive: true });
      return took;
    },
  };
}

async function unpack(object: string, folder: string): Promise<void> {
  mkdirSync(folder);
  const pipe = `'${findTool('zstd')}' -dc '${object}' | '${findTool('mbstream')}' -x -C '${folder}'`;
  await execa('bash', ['-o', 'pipefail', '-c', pipe]);
}

async function prepare(folder: string, ...more: string[]): Promise<void> {
  const args = ['--no-defaults', '--prepare', '--use-memory=512M', `--target-dir=${folder}`, ...more];
  await execa(findTool('mariadb-backup'), args);
}
