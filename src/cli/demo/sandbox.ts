import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openBackupApi } from '../../client/open.ts';
import { readSettings, type Settings } from '../../client/settings.ts';
import { daemonHealth } from '../../client/start-daemon.ts';
import { holdersOf } from '../../engine/mariadb/process-identity.ts';

/** A home of its own in a temporary directory: daemon, servers and repository of the demo live and die in it. */
export interface Sandbox {
  root: string;
  settings: Settings;
  /** What the MCP server says on stderr. */
  mcpLog: string;
  /** For child processes: the caller's environment without any setting of ours but the sandbox's home. */
  env: Record<string, string>;
  /** Stops whatever runs in it and removes it. */
  dispose(): Promise<void>;
}

/** Server and daemon sockets lie a few folders deeper, and a socket's path may hold 107 bytes. */
const longestTemporaryPath = 60;
const stopMs = 30_000;

export function createSandbox(env: Readonly<Record<string, string | undefined>>): Sandbox {
  const parent = tmpdir().length <= longestTemporaryPath ? tmpdir() : '/tmp';
  const root = realpathSync(mkdtempSync(join(parent, 'skybackup-demo-')));
  const own: Record<string, string> = { SKYBACKUP_HOME: root };
  for (const [name, value] of Object.entries(env)) {
    // A person's own key or daemon must never be what the demo damages and restores.
    if (value !== undefined && !/^SKY(SQL|BACKUP)/i.test(name)) own[name] = value;
  }
  const settings = readSettings(own);
  return {
    root,
    settings,
    mcpLog: join(root, 'mcp.log'),
    env: own,
    dispose: async () => {
      await stopServices(settings).catch(() => undefined);
      await stopDaemon(settings);
      await stopRest(root);
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** Asks a daemon that runs to stop its servers; starts none for that. */
async function stopServices(settings: Settings): Promise<void> {
  if ((await daemonHealth(settings.home)) === undefined) return;
  const api = openBackupApi(settings);
  try {
    const services = await api.listServices({ deadlineMs: 5000 });
    for (const { id } of services) await api.setPower(id, false, { deadlineMs: stopMs });
  } finally {
    await api.close();
  }
}

async function stopDaemon({ home }: Settings): Promise<void> {
  const health = await daemonHealth(home).catch(() => undefined);
  if (health === undefined) return;
  signal(health.pid, 'SIGTERM');
  for (const until = performance.now() + stopMs; performance.now() < until && runs(health.pid); ) await delay(50);
}

/** Whatever still has a file of the sandbox open belongs to it: asked to end, and in the end made to, for its data go away. */
async function stopRest(root: string): Promise<void> {
  for (const [how, patience] of [
    ['SIGTERM', stopMs],
    ['SIGKILL', 5000],
  ] as const) {
    const left = (): number[] =>
      [...new Set(holdersOf(root).map(({ pid }) => pid))].filter((pid) => pid !== process.pid);
    for (const pid of left()) signal(pid, how);
    for (const until = performance.now() + patience; performance.now() < until && left().length > 0; ) await delay(100);
  }
}

function signal(pid: number, how: NodeJS.Signals): void {
  try {
    process.kill(pid, how);
  } catch {
    // It ended by itself meanwhile.
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
