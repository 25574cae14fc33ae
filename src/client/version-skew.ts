import { SkybackupError } from '../contract/errors.ts';
import { contractRevision, type Healthz } from '../contract/health.ts';

/** Negative when `a` is older than `b`, positive when newer. What stands behind the numbers (`-beta`) is not looked at. */
export function compareVersions(a: string, b: string): number {
  const numbers = (text: string): number[] => (/^\d+(?:\.\d+)*/.exec(text)?.[0] ?? '0').split('.').map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * What to do about a daemon that answers: use it, or have it make room for this version. Throws `version_skew` when neither can
 * be. Only an idle daemon that a client started is replaced: another one's options are its starter's, and jobs are never cut off.
 */
export function judgeDaemon(health: Healthz, ours: string): 'use' | 'replace' {
  const older = health.contract < contractRevision || compareVersions(health.version, ours) < 0;
  const replaceable = older && health.idle && health.started_by === 'client';
  if (health.contract === contractRevision) return replaceable ? 'replace' : 'use';
  if (health.contract > contractRevision) {
    throw new SkybackupError(
      'version_skew',
      `The daemon is skybackup ${health.version}, newer than this client, ${ours}, and speaks a contract it does not know.`,
      {
        hint: 'Update this client: state is never taken back to an older version.',
      },
    );
  }
  if (replaceable) return 'replace';
  const why = health.started_by === 'client' ? 'it is busy' : 'it was started by a person';
  throw new SkybackupError(
    'version_skew',
    `The daemon is skybackup ${health.version}, too old for this client, ${ours}, and ${why}, so it was not replaced.`,
    {
      retryable: health.started_by === 'client',
      hint:
        health.started_by === 'client'
          ? 'Call again when its jobs and plans have ended.'
          : `Stop that daemon (pid ${health.pid}) and start it again with this version.`,
    },
  );
}
