import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { checkLocalDaemonPossible, homeProblem, socketOf } from '../../client/daemon-home.ts';
import { daemonHealth } from '../../client/start-daemon.ts';
import { compareVersions } from '../../client/version-skew.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { contractRevision } from '../../contract/health.ts';
import type { Home } from '../../contract/home.ts';
import { localDirectory } from '../../engine/storage/local-directory.ts';
import { sizeInWords } from '../../mcp/sizes-and-times.ts';
import { type Finding, finding, warning } from './finding.ts';

/** The home folder, the daemon in it, and its repository. Starts nothing. */
export async function homeChecks(home: Home, version: string): Promise<Finding[]> {
  const place = await finding('home folder', () => folder(home));
  const rest = [await finding('socket', () => socket(home)), await finding('daemon', () => daemon(home, version))];
  // In somebody else's folder nothing is written, not even to try.
  return place.status === 'failed' || isAgents(home)
    ? [place, ...rest]
    : [place, ...rest, await finding('repository', () => repository(home))];
}

async function folder(home: Home): Promise<Finding | string> {
  if (!existsSync(home.root)) return `${home.root} will be made at the first use`;
  if (isAgents(home)) return `${home.root}, of a daemon that admits this user as an agent`;
  const problem = await homeProblem(home);
  if (problem) return { check: 'home folder', status: 'failed', ...problem };
  // A daemon that admits agents lets their group through to its socket; it cannot look around there.
  const tooMuch = existsSync(home.agentSocket) ? 0o067 : 0o077;
  if ((statSync(home.root).mode & tooMuch) !== 0)
    return warning('home folder', `Other users may look into ${home.root}.`, `Run: chmod 700 ${home.root}`);
  return `${home.root}, for this user alone`;
}

async function socket(home: Home): Promise<string> {
  checkLocalDaemonPossible(home);
  return socketOf(home);
}

/** Whether this user reaches the daemon over the agents' socket only. */
function isAgents(home: Home): boolean {
  return socketOf(home) === home.agentSocket;
}

async function daemon(home: Home, version: string): Promise<Finding | string> {
  const health = await daemonHealth(home);
  if (!health) return 'not running; the first call that needs it starts it';
  if (!health.ok) throw new SkybackupError('daemon_failed', 'The daemon runs and says that it is not well.');
  if (health.contract !== contractRevision) {
    throw new SkybackupError(
      'version_skew',
      `The daemon is skybackup ${health.version}, and this is ${version}: they do not speak the same contract.`,
      {
        hint: `Stop the daemon (pid ${health.pid}); the next call starts the one of this version.`,
      },
    );
  }
  const line = `skybackup ${health.version}, pid ${health.pid}, ${health.idle ? 'idle' : 'at work'}`;
  if (compareVersions(health.version, version) === 0) return line;
  return warning(
    'daemon',
    `${line}; this is ${version}`,
    'An idle daemon that a client started is replaced at the next call; restart another one yourself.',
  );
}

/** Writes, reads and deletes a small object where the backups lie. */
async function repository(home: Home): Promise<string> {
  if (!existsSync(home.root)) return `${home.repository} will be made at the first backup`;
  const store = localDirectory(home.repository);
  const key = `doctor/${randomUUID()}`;
  const body = Buffer.from(`skybackup doctor ${key}`);
  await store.put(key, body);
  try {
    const back = await buffer(await store.get(key));
    if (!back.equals(body))
      throw new SkybackupError('backup_damaged', `${store.url} gives back other bytes than were written.`, {
        hint: 'Check the disk before you trust it with a backup.',
      });
  } finally {
    await store.delete(key);
  }
  const free = sizeInWords(await store.freeBytes());
  return `${store.url}: written, read and deleted${free === undefined ? '' : `, ${free} free`}`;
}
