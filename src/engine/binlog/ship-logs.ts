import type { Readable } from 'node:stream';
import { toSkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { sealedName } from '../encryption/age.ts';
import { sealed } from '../encryption/sealed.ts';
import type { JobContext } from '../job-context.ts';
import { type ArchivedLog, backupPrefix, type StoredObject } from '../repository/manifest.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';
import type { ArchivePlan, Gap, RangeEnd } from './archive-plan.ts';
import type { FetchedLog } from './fetch-log.ts';
import { goesOn } from './gtid-state.ts';
import type { LogContents } from './log-scan.ts';
import type { ServerLog } from './server-logs.ts';

export const takeFull = 'Recovery to a point in time has a gap there: take a full backup now.';

export interface Shipped {
  logs: ArchivedLog[];
  objects: StoredObject[];
}

export interface Shipment {
  plan: ArchivePlan;
  /** Why the first of them begins a range. */
  gap: Gap | undefined;
  fetch: FetchLog;
  /** Bytes of all of them. */
  total: number;
}

/** Brings one log into the store: from a server, or from its files. */
export type FetchLog = (
  log: ServerLog,
  store: (body: Readable) => Promise<StoredObject>,
  onBytes: (bytes: number) => void,
) => Promise<FetchedLog>;

interface Target {
  service: ServiceRecord;
  backupId: string;
  repository: BackupRepository;
}

/**
 * Stores the planned logs one after another. When one cannot be had, those before it are kept and the job warns: what is
 * archived cannot be purged away any more. Throws when it is the first, and on a cancel.
 */
export async function shipLogs(
  target: Target,
  { plan, gap, fetch, total }: Shipment,
  job: JobContext,
): Promise<Shipped> {
  const { backupId } = target;
  const shipped: Shipped = { logs: [], objects: [] };
  let before: Before | undefined = plan.follows;
  let reason = gap;
  let done = 0;
  job.phase('copying', `${plan.logs.length} binary logs, from ${plan.logs[0]?.name}.`);
  for (const log of plan.logs) {
    const { name, bytes } = log;
    const fetched = await fetchOrStop(target, { log, fetch, done, total }, shipped, job);
    if (fetched === undefined) break;
    const { object, contents, tornAt } = fetched;
    if (tornAt !== undefined) {
      const cut = `its last ${bytes - tornAt} bytes count for nothing`;
      job.warn(`${name} ends within an event, as after a crash of the server: ${cut}.`);
    }
    if (before !== undefined && !goesOn(before.gtidsAfter, contents.gtidsBefore)) {
      reason = { kind: 'reset', detail: `The GTIDs of ${name} do not go on where those of ${before.name} end.` };
      job.warn(`${reason.detail} ${takeFull}`);
      before = undefined;
    }
    const entry = inventory({ name, key: object.key, contents, before, gap: reason });
    shipped.objects.push(object);
    shipped.logs.push(entry);
    const lastEventAt: Date | undefined = dateOf(entry.last_event_at) ?? before?.lastEventAt;
    before = { backupId, name, gtidsAfter: entry.gtids_after, lastEventAt };
    reason = undefined;
    done += bytes;
  }
  return shipped;
}

async function fetchOrStop(
  { service, backupId, repository }: Target,
  { log, fetch, done, total }: { log: ServerLog; fetch: FetchLog; done: number; total: number },
  { logs }: Shipped,
  job: JobContext,
): Promise<FetchedLog | undefined> {
  const { name } = log;
  const key = `${backupPrefix(service.id, backupId)}/${sealedName(`${name}.zst`, repository.recipients)}`;
  job.progress(done, total);
  try {
    return await fetch(
      log,
      (body) => repository.putObject(key, sealed(body, repository.recipients, job.signal), job.signal),
      (passed) => job.progress(done + passed, total),
    );
  } catch (error) {
    if (job.signal.aborted || logs.length === 0) throw error;
    job.warn(`Archived up to ${logs.at(-1)?.name} only: ${redact(toSkybackupError(error).message)}`);
    return undefined;
  }
}

/** The log that another one goes on from. */
type Before = Pick<RangeEnd, 'backupId' | 'name' | 'gtidsAfter' | 'lastEventAt'>;

interface Inventoried {
  name: string;
  key: string;
  contents: LogContents;
  before: Before | undefined;
  gap: Gap | undefined;
}

function inventory({ name, key, contents, before, gap }: Inventoried): ArchivedLog {
  // A time that goes back was forged: no transaction is older than one before it.
  const atLeast = before?.lastEventAt?.getTime() ?? 0;
  const moment = (seconds: number | undefined): string | null =>
    seconds === undefined ? null : toRfc3339(new Date(Math.max(atLeast, seconds * 1000)));
  return {
    name,
    key,
    bytes: contents.bytes,
    gtids_before: contents.gtidsBefore,
    gtids_after: contents.gtidsAfter,
    transactions: contents.transactions,
    opened_at: toRfc3339(new Date(contents.openedAt * 1000)),
    closed_at: contents.closedAt === undefined ? null : toRfc3339(new Date(contents.closedAt * 1000)),
    first_event_at: moment(contents.firstEventAt),
    last_event_at: moment(contents.lastEventAt),
    follows: before === undefined ? null : { backup_id: before.backupId, name: before.name },
    gap: gap ?? null,
  };
}

function dateOf(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text);
}
