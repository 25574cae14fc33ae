import { SkybackupError } from '../../contract/errors.ts';
import { magic } from '../binlog/log-events.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { LogCut, LogOfBackup } from '../restore/source.ts';
import { holds, readPosition } from './position.ts';
import { scanArchived } from './scan-archived.ts';

/** What is between two positions of a log that is read event by event. */
interface Between {
  /** After the last transaction that the first position holds. */
  begin: number;
  /** After the last one that the second holds. */
  end: number;
}

/**
 * Where in the logs the replay begins and ends, in bytes of their files. mariadb-binlog could be given the positions as GTID
 * lists, but a domain that ends before the first and is named fails there, and so does one that is not named.
 * Throws `backup_damaged` when the backup's position is none of the first log: they are of two histories.
 */
export async function cutLogs(
  repository: Repository,
  base: Manifest,
  logs: readonly [LogOfBackup, ...LogOfBackup[]],
  until: string,
  signal: AbortSignal,
): Promise<LogCut> {
  const from = base.binlog?.gtid ?? '';
  const [first] = logs;
  const last = logs.at(-1) ?? first;
  const ofFirst = await between(repository, first, { from, until, position: positionIn(base, first) }, signal);
  const ofLast = last === first ? ofFirst : await between(repository, last, { from, until, position: 0 }, signal);
  return { begin: ofFirst.begin, end: ofLast.end };
}

/** The offset that the backup notes of the log it stands in. */
function positionIn({ binlog }: Manifest, { log }: LogOfBackup): number {
  return binlog?.file === log.name ? binlog.position : 0;
}

async function between(
  repository: Repository,
  of: LogOfBackup,
  { from, until, position }: { from: string; until: string; position: number },
  signal: AbortSignal,
): Promise<Between> {
  const [base, goal] = [readPosition(from), readPosition(until)];
  let [begin, end, next] = [0, 0, Number.POSITIVE_INFINITY];
  let found = position <= magic.length ? magic.length : undefined;
  let first: number | undefined;
  const mixed = (): never => {
    throw new SkybackupError(
      'backup_damaged',
      `The binary log ${of.log.name} of backup ${of.manifest.id} does not go on where the backup was taken (GTID ${from || 'none'}): the server's logs were begun anew in between.`,
      { hint: 'Restore the backup itself, without a point in time.' },
    );
  };
  await scanArchived(
    repository,
    of,
    {
      transaction: (transaction) => {
        first ??= transaction.begin;
        if (holds(base, transaction.gtid)) {
          if (next !== Number.POSITIVE_INFINITY) mixed();
          begin = transaction.end;
        } else next = Math.min(next, transaction.begin);
        if (holds(goal, transaction.gtid)) end = transaction.end;
      },
      passed: (header, bytes) => {
        // What the server calls a position may lie elsewhere in our copy, when its own file is encrypted.
        if (header.end === position % 2 ** 32) found = bytes;
      },
    },
    signal,
  );
  if (found === undefined || (position > 0 && (found < begin || found > next))) mixed();
  const head = first ?? 0;
  return { begin: Math.max(begin, head), end: Math.max(end, head) };
}
