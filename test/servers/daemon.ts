import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request as send } from 'undici';
import type { BackupApi, DaemonApi } from '../../src/client/backup-api.ts';
import { httpBackupApi } from '../../src/client/http-backup-api.ts';
import { daemonHealth, socketHttp } from '../../src/client/start-daemon.ts';
import type { Home } from '../../src/contract/home.ts';
import type { Job } from '../../src/contract/jobs.ts';
import type { Schedule } from '../../src/contract/schedules.ts';
import { classifyStatus } from '../../src/contract/status.ts';
import { type TestHome, temporaryHome } from './managed.ts';

export interface DaemonOptions {
  /** Of an earlier daemon, to serve it again. Default: a new temporary one, removed by `dispose`. */
  home?: TestHome;
  /** More arguments of `serve`. */
  args?: readonly string[];
  /** More of its environment. */
  env?: Readonly<Record<string, string>>;
  /**
   * Kill the daemon, or cancel the job, when a job of a kind begins a phase: `restore:swapping`. Or have it give storages up
   * after so many tries.
   */
  sabotage?: { act: 'kill' | 'cancel'; at: string } | { act: 'impatience'; at: `${number}` };
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown> & { errors?: { error: string; message: string; solution: string }[] };
}

export interface TestDaemon {
  readonly home: Home;
  readonly testHome: TestHome;
  readonly pid: number;
  /** Over the socket, starting nothing. */
  readonly api: BackupApi & { daemon: DaemonApi };
  /** One raw request over the socket. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** `http://…` of one that was started with `--listen`. */
  url(): string;
  /** Waits until a job has ended; and after a restore or undo for the backup that follows, which else would be met by whatever comes next. */
  ended(jobId: number): Promise<Job>;
  /** The backup that is taken by itself after a restore or undo, if any is: once it has ended, or is known to wait. */
  backedUpAfter(restoreId: number): Promise<Schedule | undefined>;
  /** Everything it and its predecessors in this home wrote to stderr. */
  log(): string;
  /** Resolves with the exit code when the process ends. */
  readonly exit: Promise<number | null>;
  kill9(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Pids of every process that works in its home or names it in its arguments, but for the daemon itself. */
  processes(): number[];
  /** Another daemon on the same home; this one must have ended. */
  restart(options?: Omit<DaemonOptions, 'home'>): Promise<TestDaemon>;
  /** Ends the daemon and every server of its home, by pid, and removes the home. */
  dispose(): Promise<void>;
}

const source = join(import.meta.dirname, '../../src/cli/main.ts');
const sabotaged = join(import.meta.dirname, 'daemon-entry.ts');
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** The environment of a process under test: nothing of the developer's own settings. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SKYSQL|SKYBACKUP)_/.test(name)));
}

/** Whether the daemon has done what it does behind its first answers: tests look for what it finds in the repository. */
function isReviewed(log: string, pid: number): boolean {
  return log.split('\n').some((line) => line.includes(`"pid":${pid},`) && line.includes('the catalogue agrees'));
}

/** Starts a real daemon process and waits until it answers on its socket, and its catalogue agrees with the repository. */
export async function startDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  const testHome = options.home ?? temporaryHome();
  const { home } = testHome;
  const { sabotage, args = [], env = {} } = options;
  const log = openSync(home.log, 'a', 0o600);
  const command =
    sabotage === undefined ? [source, 'serve', ...args] : [sabotaged, home.root, sabotage.act, sabotage.at];
  const child = spawn(process.execPath, command, {
    env: { ...cleanEnvironment(), ...env, SKYBACKUP_HOME: home.root },
    stdio: ['ignore', 'ignore', log],
  });
  closeSync(log);
  children.add(child);
  const exit = once(child, 'exit').then(([code]) => {
    children.delete(child);
    return code as number | null;
  });
  const agent = new Agent({ connect: { socketPath: home.socket } });
  const http = socketHttp(home);
  const api = httpBackupApi(
    {
      kind: 'daemon',
      url: `unix:${home.socket}`,
      capabilities: { jobs: true, plans: true, registerServices: true, undoRestores: true, retention: true },
      binding: 'test',
    },
    http,
    home,
  );
  if (api.daemon === undefined) throw new Error('no daemon part');

  const request: TestDaemon['request'] = async (method, path, body, headers = {}) => {
    const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const answer = await send(`http://daemon${path}`, {
      dispatcher: agent,
      method: method as 'GET',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(raw === undefined ? {} : { body: raw }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
  };
  const alive = (): boolean => child.exitCode === null && child.signalCode === null;
  let closed = false;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (alive()) child.kill(signal);
    const code = await exit;
    if (!closed) {
      closed = true;
      await agent.destroy();
      await api.close();
    }
    return code;
  };

  const daemon: TestDaemon = {
    home,
    testHome,
    pid: child.pid ?? -1,
    api: api as TestDaemon['api'],
    request,
    url() {
      const ports = daemon.log().matchAll(/"port":(\d+),.*"msg":"the daemon serves"/g);
      return `http://127.0.0.1:${[...ports].at(-1)?.[1]}`;
    },
    exit,
    log: () => readFileSync(home.log, 'utf8'),
    async ended(jobId) {
      for (;;) {
        const job = await daemon.api.daemon.getJob(jobId);
        if (classifyStatus(job.status) !== 'in_progress') {
          if (job.kind === 'restore' || job.kind === 'undo') await daemon.backedUpAfter(job.restore_id ?? 0);
          return job;
        }
        await delay(20);
      }
    },
    async backedUpAfter(restoreId) {
      for (;;) {
        const { items } = await daemon.api.listSchedules({ page_size: 1000, order: 'desc' });
        const wanted = items.find(({ after_restore }) => after_restore === restoreId);
        const begun = wanted?.next_run_at === undefined;
        if (wanted === undefined || (begun && classifyStatus(wanted.status) !== 'in_progress')) return wanted;
        if (!begun && wanted.message?.startsWith('It waits')) return wanted;
        await delay(20);
      }
    },
    kill9: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    restart: (again = {}) => startDaemon({ ...again, home: testHome }),
    processes: () => testHome.processes().filter((pid) => pid !== child.pid),
    async dispose() {
      await end('SIGKILL');
      await testHome.dispose();
    },
  };

  for (;;) {
    if (!alive()) throw new Error(`the daemon ended at its start: ${daemon.log().slice(-3000)}`);
    const health = await daemonHealth(home);
    if (health !== undefined && health.pid === child.pid && isReviewed(daemon.log(), health.pid)) return daemon;
    await delay(20);
  }
}
