import type { EngineContext } from '../engine-context.ts';
import { parseGtids } from '../mariadb/gtid.ts';
import type { Manifest } from '../repository/manifest.ts';
import { lastBackup, type RestoreSource } from '../restore/source.ts';
import type { StoredService } from '../store/services-table.ts';
import type { LiveTarget } from './live-target.ts';
import { ageOf } from './words.ts';

export interface Losses {
  target: StoredService;
  source: RestoreSource;
  /** The moment the data go back to; undefined where it is named by a transaction. */
  moment: string | undefined;
  /** That moment is another one than the backup's. */
  rolled: boolean;
  live: LiveTarget | undefined;
}

/** What a target has that it will not have after the restore: newer data, in time and in transactions, and what no backup holds. */
export function lostBy(context: Pick<EngineContext, 'state' | 'clock'>, losses: Losses): string[] {
  const { target, source, live } = losses;
  const { service_id, id } = lastBackup(source);
  const newest = live === undefined || live.gtids === '' ? '' : ` (its newest GTID is ${live.gtids})`;
  const lost =
    service_id === target.id
      ? [newerData(context, losses)]
      : [`Everything ${target.id} holds now${newest}: it becomes a copy of ${service_id}.`];
  const own = context.state.backups.lastGood(target.id);
  if (own === undefined) {
    lost.push(`${target.id} has no good backup of its own: what it holds exists nowhere else.`);
  } else if (own.id !== id) {
    const age = ageOf(own.point_in_time, context.clock.now());
    lost.push(`What was written since ${target.id}'s own last good backup, taken ${age}, is in no backup.`);
  }
  return lost;
}

function newerData({ clock }: Pick<EngineContext, 'clock'>, { target, source, moment, rolled, live }: Losses): string {
  const backup = lastBackup(source);
  const age = moment === undefined ? '' : ` ${ageOf(moment, clock.now())}`;
  const since = rolled ? 'since the recovery point' : 'since the backup, taken';
  const counted =
    rolled && source.rollForward === undefined
      ? 'how many transactions that is will be known once its newest binary logs are archived, which the restore does first'
      : countedIn(target, backup, source, live);
  return `Everything written to ${target.id} ${since}${age}: ${counted}.`;
}

function countedIn(
  target: StoredService,
  backup: Manifest,
  { rollForward }: RestoreSource,
  live: LiveTarget | undefined,
): string {
  const from = rollForward?.until ?? backup.binlog?.gtid;
  if (live === undefined) return `how much that is cannot be told, because ${target.id} does not answer`;
  if (backup.incarnation !== target.incarnation)
    return `how many transactions that is cannot be told, because its data were replaced meanwhile`;
  if (from === undefined) return 'how many transactions that is cannot be told, because it keeps no binary log';
  const count = transactionsSince(from, live.gtids);
  if (count === 0n) return `no transaction was logged since GTID ${from || 'none'}`;
  const many = `about ${count} ${count === 1n ? 'transaction' : 'transactions'}`;
  return `${many}, after GTID ${from || 'none'} up to ${live.gtids}`;
}

/** By the sequence numbers of each domain: numbers that were left out count as well. */
export function transactionsSince(from: string, live: string): bigint {
  const known = new Map<number, bigint>();
  for (const { domain, sequence } of parseGtids(from)) {
    if (sequence > (known.get(domain) ?? 0n)) known.set(domain, sequence);
  }
  return parseGtids(live).reduce((sum, { domain, sequence }) => {
    const newer = sequence - (known.get(domain) ?? 0n);
    return newer > 0n ? sum + newer : sum;
  }, 0n);
}
