import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Home, homeOf } from '../../src/contract/home.ts';
import { createManagedServer, startManagedServer } from '../../src/engine/managed/managed-server.ts';
import { identify, signalProcess, waitUntilGone } from '../../src/engine/mariadb/process-identity.ts';
import type { ServiceRecord } from '../../src/engine/service.ts';

export interface TestHome extends AsyncDisposable {
  home: Home;
  /** Pids of every process that works in this home, has one of its files open or names it in its arguments. */
  processes(): number[];
  /** Ends what is left running in the home and removes it. */
  dispose(): Promise<void>;
}

/** A daemon's home in a fresh temporary folder. */
export function temporaryHome(): TestHome {
  const root = mkdtempSync(join(tmpdir(), 'skb-home-'));
  const home = homeOf({ SKYBACKUP_HOME: root });
  const dispose = async (): Promise<void> => {
    for (const pid of processesOf(root)) {
      const identity = identify(pid);
      if (identity === undefined) continue;
      signalProcess(identity, 'SIGCONT');
      signalProcess(identity, 'SIGKILL');
      await waitUntilGone(identity, 10_000);
    }
    // What was killed a moment ago may have been making a file.
    rmSync(root, { recursive: true, force: true, maxRetries: 10 });
  };
  return { home, processes: () => processesOf(root), dispose, [Symbol.asyncDispose]: dispose };
}

/** A new managed server as the daemon would register it; started unless told not to. */
export async function managedService(home: Home, id: string, started = true): Promise<ServiceRecord> {
  const created = await createManagedServer(home, id);
  const service: ServiceRecord = {
    id,
    name: id,
    control: { kind: 'managed' },
    connection: created.connection,
    datadir: created.datadir,
    incarnation: created.incarnation,
    created_at: new Date().toISOString(),
  };
  if (started) await startManagedServer(home, service);
  return service;
}

function processesOf(root: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    if (pid === process.pid || identify(pid) === undefined) return false;
    try {
      return (
        readlinkSync(`/proc/${pid}/cwd`).startsWith(root) ||
        readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(root)
      );
    } catch {
      return false;
    }
  });
}
