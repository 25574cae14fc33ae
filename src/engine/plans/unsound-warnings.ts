import { toPointInTime } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import type { RestoreSource } from '../restore/source.ts';
import { isUnsound } from '../verify/unsound.ts';

/** What the newest verifications of the backups that are to be restored say against them. */
export function unsoundWarnings({ state }: Pick<EngineContext, 'state'>, { backups }: RestoreSource): string[] {
  return backups.flatMap(({ id }) => {
    const newest = state.verifications.newestOf(id);
    if (newest === undefined || newest.status !== 'Failed' || !isUnsound(newest.error?.code)) return [];
    const at = toPointInTime(newest.finished_at ?? newest.created_at);
    return [`Backup ${id} was found unsound at ${at} UTC (verification ${newest.id}): ${newest.message}`];
  });
}
