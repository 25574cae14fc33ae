import { SkybackupError } from '../../contract/errors.ts';
import type { RestoreRequest } from '../../contract/restores.ts';
import { parseMoment, toPointInTime } from '../../contract/time.ts';
import { formatGtids, type Gtid, parseGtids } from '../mariadb/gtid.ts';

/** Which state of the data is wanted. */
export type Wish =
  /** All that was committed at or before this moment, in milliseconds since the epoch. */
  | { kind: 'time'; at: number }
  /** All up to these transactions, themselves included. */
  | { kind: 'gtid'; gtids: readonly Gtid[] }
  /** All before this transaction. */
  | { kind: 'before'; gtid: Gtid };

type Asked = Pick<RestoreRequest, 'point_in_time' | 'gtid' | 'before_gtid'>;

/** What a request wishes; undefined when it is the backup's own moment. Throws `invalid_request` naming the field. */
export function readWish({ point_in_time, gtid, before_gtid }: Asked): Wish | undefined {
  if (point_in_time !== undefined) {
    const moment = parseMoment(point_in_time);
    if (moment !== undefined) return { kind: 'time', at: moment.getTime() };
    throw invalid('point_in_time', point_in_time, 'a moment such as "2026-11-22 03:00:00" (UTC)');
  }
  if (gtid !== undefined) {
    const gtids = gtidsOf('gtid', gtid);
    if (new Set(gtids.map(({ domain }) => domain)).size === gtids.length) return { kind: 'gtid', gtids };
    throw invalid('gtid', gtid, 'a GTID, or a list that names each domain once');
  }
  if (before_gtid === undefined) return undefined;
  const [first, ...others] = gtidsOf('before_gtid', before_gtid);
  if (first !== undefined && others.length === 0) return { kind: 'before', gtid: first };
  throw invalid('before_gtid', before_gtid, 'one GTID: that of the first transaction that is not wanted');
}

/** The wish in the one form in which plans compare it. */
export function wishArguments(wish: Wish | undefined): Asked {
  if (wish === undefined) return {};
  if (wish.kind === 'gtid') return { gtid: formatGtids(wish.gtids) };
  if (wish.kind === 'before') return { before_gtid: formatGtids([wish.gtid]) };
  const moment = new Date(wish.at);
  return { point_in_time: wish.at % 1000 === 0 ? toPointInTime(moment) : moment.toISOString() };
}

export function describeWish(wish: Wish): string {
  if (wish.kind === 'time') return `${wishArguments(wish).point_in_time} UTC`;
  return wish.kind === 'gtid'
    ? `transaction ${formatGtids(wish.gtids)}`
    : `before transaction ${formatGtids([wish.gtid])}`;
}

function gtidsOf(field: string, text: string): Gtid[] {
  try {
    const gtids = parseGtids(text);
    if (gtids.length > 0) return gtids;
  } catch {
    // Said below.
  }
  throw invalid(field, text, 'a GTID such as 0-1-57');
}

function invalid(field: string, value: string, wanted: string): SkybackupError {
  return new SkybackupError('invalid_request', `${field} "${value.slice(0, 100)}" is not ${wanted}.`);
}
