import type { BackupApi } from '../client/backup-api.ts';
import type { Settings } from '../client/settings.ts';
import type { Operation, Tool } from './define-tool.ts';
import type { Askings } from './guard/askings.ts';
import type { Planner } from './guard/planner.ts';
import type { ResourceWatch } from './resources/watch.ts';

/** What an MCP server works with. Nothing in it acts before the first call needs it. */
export interface McpContext {
  api: BackupApi;
  settings: Settings;
  version: string;
  /** The kinds of tools that the caller's rights reach; others do not exist for it. Default: all. */
  operations?: readonly Operation[];
  /** Who asks, as the daemon that serves it has proven; a process that a host spawned cannot tell. */
  principal?: string;
  /** Questions put to people, where they outlive the server or its transport must see them: whoever brings them closes them. */
  askings?: Askings;
  /** Looks for changes while somebody wants to be told of them; without it nobody can. */
  watch?: ResourceWatch;
}

/** What one tool call may use. */
export interface Call {
  readonly api: BackupApi;
  readonly settings: Settings;
  /** Aborted when the client cancels the call or goes away. */
  readonly signal: AbortSignal;
  /** What relative times count from: when this was first asked, also in the call that brings a person's answer. */
  readonly now: Date;
  /** Tells a waiting client how far the work is; nothing is sent unless it asked for progress. */
  progress(message: string, done?: number, total?: number): Promise<void>;
  /** The approved plan that this call carries out; the daemon wants its id with the request. */
  readonly planId: string | undefined;
}

export interface GuardContext extends McpContext {
  planner: Planner;
  askings: Askings;
  /** The tools that exist on this connection. */
  offered: readonly Tool[];
}
