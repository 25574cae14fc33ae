import { join } from 'node:path';
import type { Home } from '../../contract/home.ts';
import { readClientPassword } from '../managed/account.ts';
import { findServer } from '../managed/find-server.ts';
import { launchManaged, ownLogin } from '../managed/launch.ts';
import { managedLayout } from '../managed/layout.ts';
import { readServerFile, updateServerFile } from '../managed/server-file.ts';
import { awaitAnswer, stopServer } from '../mariadb/server-process.ts';
import { keepOwnAccount } from './own-account.ts';
import type { TargetServer } from './target-server.ts';

/** A server of the daemon's own, as the target of a restore. */
export function managedTarget(home: Home, id: string): TargetServer {
  const layout = managedLayout(home, id);
  const file = () => readServerFile(layout);
  return {
    log: layout.log,
    look: async () => ({
      serverId: file().server_id,
      logBin: join(layout.data, 'binlog'),
      version: undefined,
      variables: {},
    }),
    find: () => findServer(layout, file()),
    isWanted: async () => file().wanted === 'running',
    login: async () => ownLogin(layout, file()),
    answer: (running, timeoutMs) => awaitAnswer(running, ownLogin(layout, file()), { timeoutMs }),
    stop: (running, timeoutMs) => stopServer(running, layout.data, { timeoutMs }),
    // Asked again it is asked once: a signal that was sent cannot be taken back.
    settle: (running, timeoutMs) => stopServer(running, layout.data, { timeoutMs }),
    // While the journal is open nobody starts it: everybody does it through the daemon.
    withhold: async () => {},
    release: async () => {},
    async start(timeoutMs) {
      const { identity, answer, file } = await launchManaged(home, id, timeoutMs === undefined ? {} : { timeoutMs });
      return { identity, answer, notes: file.port_note === undefined ? [] : [file.port_note] };
    },
    noteDown: (wanted) => void updateServerFile(layout, { wanted: wanted ? 'running' : 'stopped', process: null }),
    async keepLogin(restored) {
      const password = readClientPassword(layout.clientFile);
      if (password !== undefined) await keepOwnAccount(restored, password);
      return [];
    },
  };
}
