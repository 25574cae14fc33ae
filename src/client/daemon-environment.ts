import { delimiter } from 'node:path';
import type { Home } from '../contract/home.ts';

/** Where MariaDB's tools live; desktop programs hand down a PATH that has few of these. */
const standardDirectories = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];
/** What a daemon may know of its starter. An allow-list: no key of a cloud outlives its client in a daemon. */
const handedDown = ['HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TMPDIR', 'ELECTRON_RUN_AS_NODE'];

/** The environment a local daemon is started with. */
export function daemonEnvironment(
  home: Home,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> & { PATH: string } {
  const given = handedDown.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  const path = (env.PATH ?? '').split(delimiter).filter((each) => each.startsWith('/'));
  return {
    ...Object.fromEntries(given),
    PATH: [...new Set([...path, ...standardDirectories])].join(delimiter),
    SKYBACKUP_HOME: home.root,
  };
}
