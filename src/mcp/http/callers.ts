import type { BackupApi } from '../../client/backup-api.ts';
import { ownDaemonApi } from '../../client/open.ts';
import type { Settings } from '../../client/settings.ts';
import type { Home } from '../../contract/home.ts';
import type { McpContext } from '../context.ts';
import type { Operation } from '../define-tool.ts';
import { Askings } from '../guard/askings.ts';
import type { ResourceWatch } from '../resources/watch.ts';
import { watchResources } from '../resources/watch-resources.ts';
import { createServer } from '../server.ts';
import { type McpHttp, mcpOverHttp } from './http.ts';

/** Who asks over HTTP, as the daemon found out. */
export interface HttpCaller {
  readonly principal: string;
  /** The key that the request came with; undefined: the socket's peer. */
  readonly key: string | undefined;
  /** The daemon's socket on which the caller is the same principal. */
  readonly socket: string;
  /** The kinds of tools that its rights reach. */
  readonly operations: readonly Operation[];
  /** Whether its yes approves a plan. Where it does not, asking it for one would be in vain. */
  readonly mayApprove: boolean;
}

/** How much the guard allows, whoever asks. */
export type GuardSettings = Pick<Settings, 'confirm' | 'appConfirm' | 'readOnly' | 'services'>;

export interface DaemonMcpOptions {
  home: Home;
  version: string;
  guard: GuardSettings;
  onError?: (error: Error) => void;
}

/** What outlives the requests of a principal. */
interface Known {
  api: BackupApi;
  askings: Askings;
  watch: ResourceWatch;
}

/**
 * MCP as a daemon serves it: its servers speak to the daemon as every client does, each with its caller's own key, so rights,
 * plans, limits and the audit are the caller's.
 */
export function daemonMcp({ home, version, guard, onError }: DaemonMcpOptions): McpHttp<HttpCaller> {
  const settings: Settings = { ...guard, provider: { kind: 'local' }, home, warnings: [] };
  const known = new Map<string, Known>();

  function of(caller: HttpCaller): Known {
    const { principal, key, socket } = caller;
    const before = known.get(principal);
    if (before !== undefined) return before;
    const api = ownDaemonApi(socket, home, key);
    const first = { api, askings: askingsOf(caller), watch: watchResources({ api, settings, version }) };
    known.set(principal, first);
    return first;
  }

  const http = mcpOverHttp<HttpCaller>(
    (caller, era) => {
      const { api, askings, watch } = of(caller);
      const { operations, principal } = caller;
      const context: McpContext = { api, settings, version, operations, principal, watch };
      // A session is a connection: what its host does not answer is no other host's fault.
      return createServer({ ...context, askings: era === 'modern' ? askings : askingsOf(caller) });
    },
    { watchOf: (caller) => of(caller).watch, ...(onError && { onError }) },
  );
  const drop = async (principal: string): Promise<void> => {
    const { api, askings, watch } = known.get(principal) ?? {};
    known.delete(principal);
    watch?.close();
    askings?.close();
    await api?.close();
  };
  return {
    ...http,
    async forget(principal) {
      await http.forget(principal);
      await drop(principal);
    },
    async close() {
      await http.close();
      for (const principal of known.keys()) await drop(principal);
    },
  };
}

function askingsOf({ mayApprove }: HttpCaller): Askings {
  const askings = new Askings();
  askings.mayNotApprove = !mayApprove;
  return askings;
}
