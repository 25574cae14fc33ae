import type { Logger } from 'pino';
import { SkybackupError } from '../contract/errors.ts';
import type { Home } from '../contract/home.ts';
import type { Storage } from '../contract/storages.ts';
import { type Engine, startEngine } from '../engine/engine.ts';
import type { EngineLog } from '../engine/engine-context.ts';
import type { GuardSettings } from '../mcp/http/callers.ts';
import { admitGroup, openSockets, removeSockets } from './agent-socket.ts';
import { type AppOptions, createApp } from './app.ts';
import { agentPeer, socketPeer } from './auth/principal.ts';
import { defaultRequestsPerMinute } from './auth/rate-limit.ts';
import { lockHome } from './home-lock.ts';
import { IdleStop } from './idle-stop.ts';
import { LateMcp } from './late-mcp.ts';
import { createLog } from './log.ts';
import { daemonMetrics } from './metrics.ts';
import type { Api } from './route-schemas.ts';

export interface ServeOptions {
  home: Home;
  /** Also on TCP, where every request needs a key. Port 0 takes a free one. */
  listen?: { host: string; port: number };
  /** Also on `agent.sock`, where the members of this group are requesters. */
  agentGroup?: string;
  /** One that a client started ends itself when it is of no more use. */
  startedBy: 'client' | 'person';
  /** Default 30. */
  idleMinutes?: number;
  /** Of each key. Default 600. */
  requestsPerMinute?: number;
  /** Files that a full or incremental backup reads at once. Default 2. */
  parallel?: number;
  /** Finds every backup again, in all storages, before it serves. */
  rebuild?: boolean;
  /** What MCP at this daemon may do, whoever asks: the settings it was started with. */
  guard: GuardSettings;
  version: string;
  log?: Logger;
}

export interface ServedDaemon {
  served: true;
  /** The TCP port, when it listens on one. */
  port: number | undefined;
  /** As they were found before it served. */
  storages: Storage[];
  /** Resolves once the daemon has ended, for whatever reason. */
  ended: Promise<void>;
  /** Cancels what runs, closes everything, and resolves when it is done. */
  stop(): Promise<void>;
}

/** Another daemon serves this home already. */
export interface HeldByOther {
  served: false;
  pid: number;
}

/** A stop that takes longer is cut off: the next start puts right whatever was left. */
const stopWithinMs = 90_000;

/** Connections that may wait while the daemon is at work: of a thousand clients at once none is turned away. */
const backlog = 4096;

/**
 * The daemon: takes the home's lock, mends what an earlier one left, and answers on the socket, and on TCP if asked to. Ends
 * on SIGTERM, SIGINT, a drain, or idleness. The caller ends the process after `ended`.
 */
export async function serveDaemon(options: ServeOptions): Promise<ServedDaemon | HeldByOther> {
  const { home, startedBy, version, listen, agentGroup, log = createLog() } = options;
  const lock = lockHome(home);
  if (!lock.held) return { served: false, pid: lock.by };

  const apps: Api[] = [];
  let engine: Engine | undefined;
  let idleStop: IdleStop | undefined;
  const mcp = new LateMcp({
    home,
    version,
    guard: options.guard,
    onError: (error) => log.debug({ err: error }, 'mcp'),
  });
  let stopping: Promise<void> | undefined;
  let markEnded: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    markEnded = resolve;
  });

  const closeAll = async (): Promise<void> => {
    idleStop?.end();
    // New requests are refused first; answers under way and kept connections are not waited for for ever.
    const closing = Promise.all(apps.map((app) => app.close()));
    // Sessions and streams would stay open for ever.
    await mcp.close();
    await engine?.stop();
    for (const app of apps) app.server.closeAllConnections();
    await closing;
    removeSockets(home);
    lock.release();
  };
  const stop = (): Promise<void> => {
    stopping ??= closeAll()
      .catch((error: unknown) => log.error({ err: error }, 'the daemon did not stop cleanly'))
      .finally(() => {
        process.off('SIGTERM', onSignal);
        process.off('SIGINT', onSignal);
        log.info('the daemon has ended');
        markEnded();
      });
    return stopping;
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info({ signal }, 'the daemon stops');
    const cutOff = setTimeout(() => {
      log.error('the daemon could not stop in time: it is cut off, and the next start mends what is left');
      process.exit(1);
    }, stopWithinMs);
    cutOff.unref();
    void stop();
  };

  try {
    engine = await startEngine({
      home,
      startedBy,
      parallel: options.parallel,
      rebuild: options.rebuild ?? false,
      log: engineLog(log),
    });
    idleStop = new IdleStop(engine, (options.idleMinutes ?? 30) * 60_000, () => {
      log.info('nobody uses the daemon: it ends');
      void stop();
    });
    engine.onJobEnd(idleStop.used);
    const shared = {
      engine,
      version,
      startedBy,
      log,
      metrics: daemonMetrics(engine, version),
      mcp,
      ownSocket: home.socket,
      requestsPerMinute: options.requestsPerMinute ?? defaultRequestsPerMinute,
      onUse: idleStop.used,
      stop: () => void stop(),
    };
    // The lock is ours: whatever lies there is left from a daemon that was killed.
    removeSockets(home);
    if (agentGroup !== undefined) {
      const gid = await admitGroup(home, agentGroup);
      const agents = { ownSocket: home.agentSocket, transport: { kind: 'socket', peer: agentPeer } } as const;
      apps.push(await listenOnSocket(home.agentSocket, { ...shared, ...agents }));
      openSockets(home, gid);
    }
    apps.push(await listenOnSocket(home.socket, { ...shared, transport: { kind: 'socket', peer: socketPeer } }));
    let port: number | undefined;
    if (listen !== undefined) {
      const app = createApp({ ...shared, transport: { kind: 'tcp', host: listen.host } });
      apps.push(app);
      port = await listenOnTcp(app, listen);
    }
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    engine.begin();
    if (startedBy === 'client') idleStop.start();
    log.info({ socket: home.socket, port, version, started_by: startedBy }, 'the daemon serves');
    return { served: true, port, storages: engine.storages.list(), ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function listenOnSocket(socket: string, options: AppOptions): Promise<Api> {
  const app = createApp(options);
  await app.ready();
  // From its first moment on the socket must be its owner's alone, also in a home that others may enter.
  const before = process.umask(0o177);
  try {
    await app.listen({ path: socket, backlog });
  } catch (error) {
    throw new SkybackupError('daemon_failed', `The daemon cannot listen on ${socket}.`, {
      hint: 'Set SKYBACKUP_HOME to a shorter path that this user may write to.',
      cause: error,
    });
  } finally {
    process.umask(before);
  }
  return app;
}

async function listenOnTcp(app: Api, listen: { host: string; port: number }): Promise<number> {
  try {
    await app.listen({ ...listen, backlog });
  } catch (error) {
    throw new SkybackupError('daemon_failed', `The daemon cannot listen on ${listen.host}, port ${listen.port}.`, {
      hint: 'Choose another address or port with --listen.',
      cause: error,
    });
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : listen.port;
}

function engineLog(log: Logger): EngineLog {
  return (level, message, facts = {}) => {
    const { error, ...rest } = facts;
    log[level](error === undefined ? rest : { ...rest, err: error }, message);
  };
}
