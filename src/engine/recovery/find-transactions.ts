import { SkybackupError } from '../../contract/errors.ts';
import type { FoundTransaction, FoundTransactions, TransactionsQuery } from '../../contract/recovery.ts';
import { parseMoment, toRfc3339 } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { CommitClock } from './commit-clock.ts';
import { coveredUntil, type KnownLog } from './history.ts';
import { storedLogs } from './resolve.ts';
import { enough, scanArchived } from './scan-archived.ts';
import { watchTransactions } from './seen-transactions.ts';
import { serviceHistory } from './service-history.ts';

const defaultLimit = 50;
const defaultSpanMs = 60 * 60_000;
/** What one look reads at most, and how long: a few seconds, and less than clients wait. */
const mostBytes = 512 * 1024 * 1024;
const longestMs = 25_000;

/** The transactions of a service near a moment, by its archived logs: so that a person finds the DROP, and names it. */
export async function findTransactions(
  context: Pick<EngineContext, 'state' | 'repository'>,
  serviceId: string,
  query: TransactionsQuery,
): Promise<FoundTransactions> {
  const { logs } = serviceHistory(context, serviceId).history;
  if (logs.length === 0) {
    throw new SkybackupError('not_found', `No binary logs of "${serviceId.slice(0, 100)}" are archived.`, {
      hint: 'Take a backup of type binarylog first.',
    });
  }
  const archivedTo = Math.max(...logs.map((log) => coveredUntil([log]) ?? 0));
  const to = momentOf('to', query.to) ?? archivedTo;
  const from = momentOf('from', query.from) ?? to - defaultSpanMs;
  const limit = query.limit ?? defaultLimit;
  const found: FoundTransaction[] = [];
  const wanted = logs.filter((log) => log.openedAt <= to && (coveredUntil([log]) ?? 0) >= from);
  const stored = storedLogs(context, serviceId);
  const contains = query.contains?.toLowerCase();
  const signal = AbortSignal.timeout(longestMs);
  let [read, more] = [0, false];
  for (const log of wanted) {
    const of = await stored(log);
    read += of.log.bytes;
    more ||= read > mostBytes && log !== wanted[0];
    if (more) break;
    const clock = new CommitClock();
    clock.begin(log, before(logs, log)?.lastEventAt);
    const watch = watchTransactions(clock, (transaction, at) => {
      if (at > to) throw enough;
      if (at < from || !matches(transaction, contains)) return;
      // From a moment on, the first are told; else the newest.
      more ||= found.length === limit;
      if (found.length === limit && query.from !== undefined) throw enough;
      if (found.length === limit) found.shift();
      found.push(transaction);
    });
    await scanArchived(context.repository, of, watch, signal);
  }
  const [start, end] = [from, to].map((at) => toRfc3339(new Date(at)));
  return {
    service_id: serviceId,
    from: start ?? '',
    to: end ?? '',
    archived_to: toRfc3339(new Date(archivedTo)),
    transactions: found,
    more,
  };
}

function before(logs: readonly KnownLog[], { follows }: KnownLog): KnownLog | undefined {
  return logs.find((each) => `${each.backupId}/${each.name}` === follows);
}

function matches({ statements, tables }: FoundTransaction, contains: string | undefined): boolean {
  return contains === undefined || [...statements, ...tables].some((text) => text.toLowerCase().includes(contains));
}

function momentOf(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const moment = parseMoment(text);
  if (moment !== undefined) return moment.getTime();
  throw new SkybackupError('invalid_request', `${field} "${text.slice(0, 60)}" is not a moment.`, {
    hint: 'Give it as "2026-11-22 03:00:00" (UTC).',
  });
}
