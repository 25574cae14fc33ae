import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ProcessIdentity,
  processesWorkingIn,
  signalProcess,
  waitUntilGone,
} from '../../src/engine/mariadb/process-identity.ts';
import { findTool } from '../../src/engine/mariadb/tools.ts';
import type { TestMariadbd } from './mariadbd.ts';

export interface CommandedServer {
  /** Starts the server in the background and ends at once, as an init script does. */
  readonly start: string;
  /** Asks it to stop, and ends when it has taken its pid file away. */
  readonly stop: string;
  /** The server in the foreground: never ends. */
  readonly foreground: string;
  /** A folder for PATH with a `systemctl` that drives the server as the unit `mariadb@shop:1.service`. */
  readonly systemctl: string;
  /** What systemctl was called with, a line a call. */
  readonly calls: string;
  /** The process that works in the data directory now, whoever started it. */
  process(): ProcessIdentity | undefined;
  /** Ends whatever runs there, by pid. */
  dispose(): Promise<void>;
}

export const unit = 'mariadb@shop:1.service';

/** Scripts that start and stop a test's server, in place of its machine's own. */
export function commanded(server: TestMariadbd): CommandedServer {
  const { root, datadir } = server;
  const script = (name: string, text: string): string => {
    const path = join(root, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const { owner } = server;
  const words = [findTool('mariadbd'), ...server.args].map((word) => `'${word}'`).join(' ');
  // Its owner starts it as itself, root as its owner.
  const as =
    owner === undefined
      ? ''
      : `$([ "$(id -u)" = 0 ] && echo setpriv --reuid=${owner} --regid=${owner} --clear-groups) `;
  const pidFile = join(root, 'pid');
  const start = script('start.sh', `setsid ${as}${words} </dev/null >>'${root}/out'"$(id -u)" 2>&1 &`);
  const stop = script(
    'stop.sh',
    `kill -TERM "$(cat '${pidFile}')" || exit 1\ntries=0\nwhile [ -e '${pidFile}' ] && [ $tries -lt 600 ]; do sleep 0.05; tries=$((tries+1)); done`,
  );
  const calls = join(root, 'calls');
  writeFileSync(calls, '');
  const folder = join(root, 'bin');
  mkdirSync(folder);
  script(
    'bin/systemctl',
    `printf '%s|' "$@" >>'${calls}'; echo >>'${calls}'
verb=$1; shift
while [ "$1" != -- ]; do shift; done
if [ -e '${root}/says' ]; then cat '${root}/says' >&2; exit 1; fi
if [ "$2" != '${unit}' ]; then echo "Failed to $verb $2: Unit $2 not loaded." >&2; exit 5; fi
case $verb in
mask) touch '${root}/masked' ;;
unmask) rm -f '${root}/masked' ;;
show) if [ -e '${root}/masked' ] && [ ! -e '${root}/in-etc' ]; then echo masked; else echo loaded; fi ;;
start)
  if [ -e '${root}/masked' ] && [ ! -e '${root}/in-etc' ]; then echo "Failed to start $2: Unit $2 is masked." >&2; exit 1; fi
  '${start}' ;;
stop) if [ ! -e '${root}/deaf' ]; then '${stop}'; fi ;;
is-active)
  if [ -e '${root}/state' ]; then cat '${root}/state'; exit 3; fi
  if [ -e '${pidFile}' ]; then echo active; else echo inactive; exit 3; fi ;;
esac`,
  );
  const running = (): ProcessIdentity | undefined => processesWorkingIn(datadir, findTool('mariadbd'))[0];
  return {
    start,
    stop,
    foreground: `exec ${as}${words} >>'${root}/out' 2>&1`,
    systemctl: folder,
    calls,
    process: running,
    async dispose() {
      for (let left = running(); left !== undefined; left = running()) {
        signalProcess(left, 'SIGKILL');
        await waitUntilGone(left, 10_000);
      }
    },
  };
}
