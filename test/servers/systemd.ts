import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

export interface TestSystemd {
  /** A folder for PATH with a `systemctl` that speaks to this systemd. */
  readonly path: string;
  /** What `systemctl` prints, whatever its exit code. */
  systemctl(...args: string[]): Promise<{ code: number; words: string }>;
  /** Writes a unit file into `folder` (default /usr/lib/systemd/system, as a package does) and has it read. '' takes it away. */
  unitFile(name: string, text: string, folder?: string): Promise<void>;
  /** Ends it with everything it started. */
  dispose(): Promise<void>;
}

/** Only root can make the namespaces. */
export const canRunSystemd = process.getuid?.() === 0;

const program = '/usr/lib/systemd/systemd';

/**
 * Starts the machine's own systemd as the first process of its own namespaces, with a root that holds no unit of the machine.
 * Of the file system it shares `shared` alone, at the same path. There `mysql` is the user `owner`.
 */
export async function startSystemd(shared: string, owner: number): Promise<TestSystemd> {
  if (!existsSync(program)) throw new Error(`There is no ${program}: install Debian's package systemd.`);
  const cgroups = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
  if (cgroups === undefined) throw new Error('No cgroup2 file system is mounted, and systemd needs one.');
  const folder = mkdtempSync(join(tmpdir(), 'skb-systemd-'));
  const cgroup = join(cgroups, folder.slice(folder.lastIndexOf('/') + 1));
  const root = join(folder, 'root');
  const logFile = join(folder, 'log');
  mkdirSync(cgroup);
  mkdirSync(root);
  const log = openSync(logFile, 'a');
  const unshared = ['--mount', '--pid', '--ipc', '--uts', '--cgroup', '--fork', '--kill-child'];
  const child = spawn(
    'sh',
    [
      '-c',
      'echo $$ >"$0/cgroup.procs" && exec "$@"',
      cgroup,
      // Whatever becomes of these tests, nothing of it outlives them.
      ...[
        'setpriv',
        '--pdeathsig=KILL',
        'unshare',
        ...unshared,
        'sh',
        join(import.meta.dirname, 'systemd-root.sh'),
        root,
        shared,
        String(owner),
      ],
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);

  const dispose = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await ended;
    await removeCgroup(cgroup);
    rmSync(folder, { recursive: true, force: true });
  };
  const enter = (pid: number): string[] => [`--target=${pid}`, '--mount', '--pid', '--ipc', '--uts', '--cgroup', '--'];
  try {
    const pid = await firstProcess(child.pid ?? 0, () => child.exitCode !== null);
    const run = async (words: readonly string[], input = ''): Promise<{ code: number; words: string }> => {
      const { exitCode, all } = await execa('nsenter', [...enter(pid), ...words], { input, all: true, reject: false });
      return { code: exitCode ?? -1, words: all };
    };
    const systemctl = (...args: string[]) => run(['systemctl', ...args]);
    await untilBooted(systemctl);
    const path = join(folder, 'bin');
    mkdirSync(path);
    writeFileSync(join(path, 'systemctl'), `#!/bin/sh\nexec nsenter ${enter(pid).join(' ')} systemctl "$@"\n`);
    chmodSync(join(path, 'systemctl'), 0o755);
    return {
      path,
      systemctl,
      async unitFile(name, text, where = '/usr/lib/systemd/system') {
        const file = `${where}/${name}`;
        const script = text === '' ? 'rm -f "$0"' : 'mkdir -p "$(dirname "$0")" && cat >"$0"';
        for (const words of [
          ['sh', '-c', script, file],
          ['systemctl', 'daemon-reload'],
        ]) {
          const done = await run(words, text);
          if (done.code !== 0) throw new Error(`${words.join(' ')}: ${done.words}`);
        }
      },
      dispose,
    };
  } catch (error) {
    const words = readFileSync(logFile, 'utf8').slice(-3000);
    await dispose();
    throw new Error(`systemd did not start in namespaces of its own: ${words}`, { cause: error });
  }
}

/** The child that `unshare` forked: pid 1 of its namespace, and seen from here by this number. */
async function firstProcess(unshare: number, hasEnded: () => boolean): Promise<number> {
  const deadline = Date.now() + 60_000;
  while (!hasEnded() && Date.now() < deadline) {
    for (const pid of childrenOf(unshare)) {
      try {
        if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'systemd') return pid;
      } catch {
        // Ended meanwhile.
      }
    }
    await delay(20);
  }
  throw new Error('its first process never became systemd');
}

function childrenOf(parent: number): number[] {
  const file = `/proc/${parent}/task/${parent}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number) : [];
}

async function untilBooted(systemctl: TestSystemd['systemctl']): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { words } = await systemctl('is-system-running');
    if (words === 'running') return;
    if (Date.now() > deadline) throw new Error(words);
    await delay(50);
  }
}

/** Its processes were killed with their first one, and leave their cgroups a moment later. */
async function removeCgroup(folder: string): Promise<void> {
  const names = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  for (const entry of names) if (entry.isDirectory()) await removeCgroup(join(folder, entry.name));
  const deadline = Date.now() + 20_000;
  while (existsSync(folder)) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}
