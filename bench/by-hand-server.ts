import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { findTool } from '../src/engine/mariadb/tools.ts';

const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];

/** Binary logs to replay once the restored server answers. */
export interface ByHandLogs {
  /** The archived logs, each `.zst`, in their order. */
  files: readonly string[];
  /** GTID positions: after the first, up to and with the second. */
  from: string;
  until: string;
  /** An option file with an account of the restored data. */
  login: string;
}

/** Where the compressed bytes come from: a file, or a command that prints them. */
export type ByHandSource = string | { command: string; env: Readonly<Record<string, string>> };

/** A MariaDB server run from a shell: what the restore through the daemon is compared with. */
export interface ByHandServer {
  /** Unpacks and prepares, applies the increments oldest first, stops, exchanges the directories, starts, waits for an answer, replays logs: the time of all of it, in milliseconds. */
  restore(object: ByHandSource, increments?: readonly string[], logs?: ByHandLogs): Promise<number>;
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
    async restore(object, increments = [], logs = undefined) {
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
      if (logs !== undefined) await replay(logs, root, socket);
      const took = performance.now() - since;
      rmSync(old, { recursive: true });
      return took;
    },
  };
}

async function unpack(object: ByHandSource, folder: string): Promise<void> {
  mkdirSync(folder);
  const unpacking = `'${findTool('mbstream')}' -x -C '${folder}'`;
  if (typeof object === 'string') await shell(`'${findTool('zstd')}' -dc '${object}' | ${unpacking}`);
  else await shell(`${object.command} | '${findTool('zstd')}' -dc | ${unpacking}`, object.env);
}

async function replay({ files, from, until, login }: ByHandLogs, root: string, socket: string): Promise<void> {
  const plain = files.map((_file, at) => join(root, `log-${at}`));
  for (const [at, file] of files.entries()) await shell(`'${findTool('zstd')}' -dc '${file}' > '${plain[at]}'`);
  const positions = `--start-position='${from}' --stop-position='${until}'`;
  const decoder = `'${findTool('mariadb-binlog')}' --no-defaults --verify-binlog-checksum ${positions} ${plain.join(' ')}`;
  await shell(`${decoder} | '${findTool('mariadb')}' --defaults-file='${login}' --socket='${socket}' --binary-mode`);
  for (const file of plain) rmSync(file);
}

async function shell(line: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  await execa('bash', ['-o', 'pipefail', '-c', line], { env });
}

async function prepare(folder: string, ...more: string[]): Promise<void> {
  const args = ['--no-defaults', '--prepare', '--use-memory=512M', `--target-dir=${folder}`, ...more];
  await execa(findTool('mariadb-backup'), args);
}
