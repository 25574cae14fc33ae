import type { Home } from '../../contract/home.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import type { Login } from '../mariadb/login.ts';
import type { ProcessIdentity } from '../mariadb/process-identity.ts';
import type { Answer } from '../mariadb/server-process.ts';
import type { RestoreTarget } from './data-place.ts';
import { managedTarget } from './managed-target.ts';
import { outsideTarget } from './outside-target.ts';

/** What is to be known of a target before its data are exchanged. */
export interface TargetFacts {
  /** Of a server that is down and not the daemon's own: undefined. */
  serverId: number | undefined;
  version: string | undefined;
  /** Path of its binary logs without their numbers; empty when it keeps none. */
  logBin: string;
  /** What it opens its files with; empty where that is not known, or comes with the data. */
  variables: Readonly<Record<string, string>>;
}

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
  /** Throws what forbids to exchange its data, by name; nothing is touched by looking. */
  look(signal?: AbortSignal): Promise<TargetFacts>;
  /** The process that works on the data now, answering or not. */
  find(): ProcessIdentity | undefined;
  /** Whether it should run though it does not: one that fell. */
  isWanted(): Promise<boolean>;
  login(): Promise<Login>;
  /** Waits until this process answers, at most so long. */
  answer(running: ProcessIdentity, timeoutMs: number): Promise<Answer>;
  /** Asks it to end, and proves that it did. */
  stop(running: ProcessIdentity, timeoutMs: number): Promise<void>;
  /** After a stop that was asked for and did not come: waits until it has ended, or is seen to go on. */
  settle(running: ProcessIdentity, timeoutMs: number): Promise<void>;
  /** Keeps whoever else may start it from doing so; what keeps us from that is no failure, and is noticed later. */
  withhold(): Promise<void>;
  release(): Promise<void>;
  /** Starts it, or finds it running, and waits until it answers. Looks at no journal. */
  start(timeoutMs?: number): Promise<StartedTarget>;
  /** Notes that it is down, and whether it should be. */
  noteDown(wanted: boolean): void;
  /** Makes the login of skybackup in restored data what it is on the target. Returns what could not be kept of it. */
  keepLogin(restored: SqlConnection): Promise<string[]>;
}

/** The server of a target. `warn` hears what a person should know. Throws `unsupported` for one without control. */
export function targetServer(
  home: Home,
  target: RestoreTarget,
  warn: (message: string) => void = () => {},
): TargetServer {
  return target.control.kind === 'managed' ? managedTarget(home, target.id) : outsideTarget(home, target, warn);
}
