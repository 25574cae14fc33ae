import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { daemonHealth } from '../../src/client/start-daemon.ts';
import { homeOf } from '../../src/contract/home.ts';
import { identify, waitUntilGone } from '../../src/engine/mariadb/process-identity.ts';
import { type Era, RawClient } from './raw-client.ts';
import { command, newHome, type ServerCommand, serverCommand } from './server-command.ts';

export interface LocalDaemon {
  home: string;
  /** The MCP server of this home: its first call that needs the daemon starts one. */
  mcp(env?: Record<string, string>): ServerCommand;
  /** A client of such a server, closed by `stop`. */
  client(era: Era, env?: Record<string, string>, elicitation?: boolean): Promise<RawClient>;
  /** The command line; `input` is typed. Throws with its output when it fails. */
  cli(args: string[], input?: string): Promise<string>;
  sql(service: string, statement: string): Promise<string>;
  /** Its address over TCP; starts it there, and must come before anything else needs it. */
  listen(): Promise<string>;
  /** Stops what was started, by pid. */
  stop(): Promise<void>;
}

/** A home with a daemon of its own, which runs as soon as something needs it. */
export async function localDaemon(): Promise<LocalDaemon> {
  const { home, remove } = await newHome();
  const { env } = serverCommand(home);
  const managed: string[] = [];
  const clients: RawClient[] = [];
  const mcp = (more: Record<string, string> = {}): ServerCommand => serverCommand(home, more);
  const cli = async (args: string[], input = ''): Promise<string> => {
    const { stdout } = await execa(process.execPath, [command, ...args], { env, extendEnv: false, input });
    if (args[0] === 'services' && args[1] === 'add' && args[2]) managed.push(args[2]);
    return stdout;
  };
  return {
    home,
    mcp,
    async client(era, more = {}, elicitation = true) {
      const client = await RawClient.start(mcp(more), era, { elicitation });
      clients.push(client);
      return client;
    },
    cli,
    sql: (service, statement) => cli(['services', 'connect', service, '--', '-N', '-e', statement]),
    async listen() {
      const serve = spawn(process.execPath, [command, 'serve', '--listen', '127.0.0.1:0', '--json'], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      for await (const line of createInterface({ input: serve.stdout })) {
        const [, url] = /"http": ?"([^"]+)"/.exec(line) ?? [];
        if (url !== undefined) return url;
      }
      throw new Error('the daemon ended');
    },
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      const health = await daemonHealth(homeOf({ SKYBACKUP_HOME: home }));
      if (health !== undefined) {
        for (const service of managed) await cli(['services', 'stop', service]).catch(() => undefined);
        const daemon = identify(health.pid);
        process.kill(health.pid, 'SIGTERM');
        if (daemon !== undefined) await waitUntilGone(daemon, 60_000);
      }
      await remove();
    },
  };
}
