import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { readClientPassword } from '../managed/account.ts';
import { findServer } from '../managed/find-server.ts';
import { launchManaged, ownLogin } from '../managed/launch.ts';
import { managedLayout } from '../managed/layout.ts';
import { readServerFile, updateServerFile } from '../managed/server-file.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import type { Login } from '../mariadb/login.ts';
import type { ProcessIdentity } from '../mariadb/process-identity.ts';
import { type Answer, awaitAnswer, stopServer } from '../mariadb/server-process.ts';
import type { RestoreTarget } from './data-place.ts';
import { keepOwnAccount } from './own-account.ts';

export interface StartedTarget {
  identity: ProcessIdentity;
  answer: 'answers' | 'denied';
  /** What the person should know though it started. */
  notes: string[];
}

/** The server of a restore's target, however it is stopped and started. Nothing here ever kills it. */
export interface TargetServer {
  /** What tells more when it fails: "Read …". */
  readonly log: string;
  readonly serverId: number;
  /** The process that works on the data now, answering or not. */
  find(): ProcessIdentity | undefined;
  /** Whether a person wants it to run: one that fell should. */
  isWanted(): boolean;
  login(): Promise<Login>;
  /** Waits until this process answers, at most so long. */
  answer(running: ProcessIdentity, timeoutMs: number): Promise<Answer>;
  /** Asks it to end, and proves that it did. */
  stop(running: ProcessIdentity, timeoutMs: number): Promise<void>;
  /** Starts it, or finds it running, and waits until it answers. Looks at no journal. */
  start(timeoutMs?: number): Promise<StartedTarget>;
  /** Notes that it is down, and whether it should be. */
  noteDown(wanted: boolean): void;
  /** Makes the login of skybackup in restored data what it is on the target. */
  keepLogin(restored: SqlConnection): Promise<void>;
}

/** The server of a target. Throws `unsupported` for one that cannot be stopped and started. */
export function targetServer(home: Home, target: RestoreTarget): TargetServer {
  if (target.control.kind === 'managed') return managedTarget(home, target.id);
  throw new SkybackupError('unsupported', `${target.id} is not managed by this daemon, so it cannot be restored yet.`);
}

function managedTarget(home: Home, id: string): TargetServer {
  const layout = managedLayout(home, id);
  const file = () => readServerFile(layout);
  return {
    log: layout.log,
    get serverId() {
      return file().server_id;
    },
    find: () => findServer(layout, file()),
    isWanted: () => file().wanted === 'running',
    login: async () => ownLogin(layout, file()),
    answer: (running, timeoutMs) => awaitAnswer(running, ownLogin(layout, file()), { timeoutMs }),
    stop: (running, timeoutMs) => stopServer(running, layout.data, { timeoutMs }),
    async start(timeoutMs) {
      const started = await launchManaged(home, id, timeoutMs === undefined ? {} : { timeoutMs });
      const { identity, answer } = started;
      const { port_note: note } = started.file;
      return { identity, answer, notes: note === undefined ? [] : [note] };
    },
    noteDown(wanted) {
      updateServerFile(layout, { wanted: wanted ? 'running' : 'stopped', process: null });
    },
    async keepLogin(restored) {
      const password = readClientPassword(layout.clientFile);
      if (password !== undefined) await keepOwnAccount(restored, password);
    },
  };
}
