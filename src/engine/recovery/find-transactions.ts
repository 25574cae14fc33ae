import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { FoundTransaction, FoundTransactions, TransactionsQuery } from '../../contract/recovery.ts';
import { redact } from '../../contract/redact.ts';
import { parseMoment, toRfc3339 } from '../../contract/time.ts';
import { type WorkDirectory, withWorkDirectory } from '../backup/work-directory.ts';
import type { RangeEnd } from '../binlog/archive-plan.ts';
import { archivedBefore } from '../binlog/archived.ts';
import { enough } from '../binlog/scan-log.ts';
import { type Unarchived, unarchivedLogs } from '../binlog/unarchived-logs.ts';
import type { EngineContext } from '../engine-context.ts';
import { present } from '../store/rows.ts';
import type { StoredService } from '../store/services-table.ts';
import { CommitClock } from './commit-clock.ts';
import { coveredUntil } from './history.ts';
import { watchTransactions } from './seen-transactions.ts';
import { serviceHistory } from './service-history.ts';
import { affordable, archivedIn, type SoughtLog, unarchivedLog } from './sought-logs.ts';

const defaultLimit = 50;
const defaultSpanMs = 60 * 60_000;
/** What one look reads at most, and how long: a few seconds, and less than clients wait. */
const mostBytes = 512 * 1024 * 1024;
const longestMs = 25_000;

type Context = Pick<EngineContext, 'state' | 'repository'>;

/**
 * The transactions of a service near a moment, by its archived logs and those that only its server has yet: so that a person
 * finds the DROP, and names it. The server is read, and not changed; where it cannot be, the answer says so and tells what
 * the archive has.
 */
export async function findTransactions(
  context: Context,
  serviceId: string,
  query: TransactionsQuery,
): Promise<FoundTransactions> {
  const { history } = serviceHistory(context, serviceId);
  // Told at the same moment: of a log that is archived meanwhile, one of the two would else think that the other has it.
  const service = serverOf(context, serviceId);
  const asked = {
    from: momentOf('from', query.from),
    to: momentOf('to', query.to),
    contains: query.contains?.toLowerCase(),
    limit: query.limit ?? defaultLimit,
  };
  const archivedTo =
    history.logs.length === 0 ? undefined : Math.max(...history.logs.map((log) => coveredUntil([log]) ?? 0));
  const signal = AbortSignal.timeout(longestMs);
  return withWorkDirectory(async (work) => {
    const allArchived = asked.to !== undefined && archivedTo !== undefined && asked.to <= archivedTo;
    const beyond = allArchived ? {} : await lookBeyond(service, work, signal);
    const until = beyond.unarchived?.until ?? archivedTo;
    if (until === undefined) throw beyond.failure ?? nothingArchived(serviceId);
    const to = asked.to ?? until;
    const span = { ...asked, to, from: asked.from ?? to - defaultSpanMs };
    const recent = await recentLogs(beyond, span);
    // From a moment on, the first are told; else the newest.
    const end = asked.from === undefined ? 'last' : 'first';
    const all = [...archivedIn(context, { serviceId, history }, span), ...recent.logs];
    const { logs, more } = await affordable(all, end, mostBytes);
    const looked = await lookThrough(logs, { ...span, end }, signal);
    const failure = recent.failure ?? looked.failure;
    const [start, stop] = [span.from, to].map((at) => toRfc3339(new Date(at)));
    return {
      service_id: serviceId,
      from: start ?? '',
      to: stop ?? '',
      ...present({
        archived_to: archivedTo === undefined ? undefined : toRfc3339(new Date(archivedTo)),
        not_looked_at: failure === undefined ? undefined : redact(failure.message),
      }),
      transactions: looked.found,
      more: more || looked.more,
    };
  });
}

interface Wanted {
  from: number;
  to: number;
  contains: string | undefined;
  limit: number;
}

/** What the server has that is not archived; or why that cannot be told. */
interface Beyond {
  unarchived?: Unarchived;
  failure?: SkybackupError;
}

interface RegisteredServer {
  service: StoredService;
  /** Where what is archived of it ends. */
  ends: readonly RangeEnd[];
}

function serverOf({ state }: Context, serviceId: string): RegisteredServer | undefined {
  const service = state.services.get(serviceId);
  return service === undefined ? undefined : { service, ends: archivedBefore(state, service).ends };
}

async function lookBeyond(
  server: RegisteredServer | undefined,
  work: WorkDirectory,
  signal: AbortSignal,
): Promise<Beyond> {
  if (server === undefined) return {};
  try {
    return { unarchived: await unarchivedLogs(server.service, server.ends, work, signal) };
  } catch (error) {
    return { failure: toSkybackupError(error) };
  }
}

async function recentLogs(
  { unarchived, failure }: Beyond,
  { from, to }: Wanted,
): Promise<{ logs: SoughtLog[]; failure: SkybackupError | undefined }> {
  if (unarchived === undefined) return { logs: [], failure };
  try {
    const logs = await unarchived.since(from);
    return { logs: logs.filter(({ openedAt }) => openedAt <= to).map(unarchivedLog), failure };
  } catch (error) {
    return { logs: [], failure: toSkybackupError(error) };
  }
}

interface Looked {
  found: FoundTransaction[];
  more: boolean;
  failure: SkybackupError | undefined;
}

async function lookThrough(
  logs: readonly SoughtLog[],
  { from, to, contains, limit, end }: Wanted & { end: 'first' | 'last' },
  signal: AbortSignal,
): Promise<Looked> {
  const looked: Looked = { found: [], more: false, failure: undefined };
  const { found } = looked;
  for (const { archived, times, before, scan } of logs) {
    const clock = new CommitClock();
    clock.begin(times, before);
    const watch = watchTransactions(clock, (seen, at) => {
      if (at > to) throw enough;
      if (at < from || !matches(seen, contains)) return;
      looked.more ||= found.length === limit;
      if (found.length === limit && end === 'first') throw enough;
      if (found.length === limit) found.shift();
      found.push(archived ? seen : { ...seen, not_archived_yet: true });
    });
    try {
      await scan(watch, signal);
    } catch (error) {
      if (signal.aborted) looked.more = true;
      else if (archived) throw error;
      else looked.failure = toSkybackupError(error);
      return looked;
    }
  }
  return looked;
}

function nothingArchived(serviceId: string): SkybackupError {
  return new SkybackupError('not_found', `No binary logs of "${serviceId.slice(0, 100)}" are archived.`, {
    hint: 'Take a backup of type binarylog first.',
  });
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
