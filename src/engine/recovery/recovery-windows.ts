import type { RecoveryWindow } from '../../contract/restores.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { present } from '../store/rows.ts';
import { serviceHistory } from './service-history.ts';
import { windowsOf } from './windows.ts';

/**
 * The spans of which every moment can be restored, of every service, the oldest first: one for each unbroken part of its
 * history. What reaches to now is archived only up to `archived_until`; a restore archives the rest first.
 */
export function recoveryWindows(context: Pick<EngineContext, 'state' | 'clock'>): RecoveryWindow[] {
  const now = context.clock.now();
  return context.state.services.list().flatMap(({ id, name }) => {
    const { history, reaches } = serviceHistory(context, id);
    return (
      windowsOf(reaches)
        // A backup without any log is one moment, and no span.
        .filter(({ from, archivedTo, toNow }) => toNow || archivedTo > from)
        .map(({ from, archivedTo, toNow }) => ({
          service_id: id,
          service_name: name,
          start_time: toRfc3339(new Date(from)),
          end_time: toRfc3339(new Date(toNow ? Math.max(now, archivedTo) : archivedTo)),
          ...(toNow
            ? { archived_until: toRfc3339(new Date(archivedTo)) }
            : present({ gap: history.logs.find((log) => log.gap !== undefined && log.openedAt >= archivedTo)?.gap })),
        }))
    );
  });
}
