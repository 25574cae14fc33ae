import type { BackupApi } from '../../client/backup-api.ts';
import { daemonBackupTypes } from '../../contract/backup-types.ts';
import type { Backup } from '../../contract/backups.ts';
import { storageBytes } from '../../contract/either-revision.ts';
import { takenAt } from '../find/backup.ts';
import { sizeInWords, timeInWords } from '../sizes-and-times.ts';
import { type Counts, countsInWords, tally } from './counts.ts';

/** So many are read, and no more: what they do not tell is asked as counts, or told of them alone. */
const mostRead = 100;

export interface Summary {
  text: string[];
  data: Record<string, unknown>;
}

/**
 * What there is of `count` backups, newest and oldest first to tell. Every figure is a count of the provider's, or says of how
 * many it is: reading ten thousand for it would take a hundred requests.
 */
export async function backupsSummary(
  api: BackupApi,
  scope: { service_id?: string },
  count: number,
  signal: AbortSignal,
): Promise<Summary> {
  const list = (query: { order?: 'asc' | 'desc'; page_size: number; status?: string; type?: string }) =>
    api.listBackups({ ...scope, order: 'desc', ...query }, { signal });
  const countOf = async (query: { status?: string; type?: string }) => (await list({ ...query, page_size: 1 })).count;

  const { items } = await list({ page_size: mostRead });
  const read = items.slice(0, mostRead);
  const part = told(read);
  if (read.length >= count) {
    const { by_status, ...rest } = part;
    const span = spanOf(read);
    const text = [`${count} backups${span.words}: ${countsInWords(by_status)}; ${partInWords(rest)}.`];
    return { text, data: { ...span.data, ...part } };
  }
  const [[oldest], by_status, by_type] = await Promise.all([
    list({ order: 'asc', page_size: 1 }).then((page) => page.items),
    counted([...Object.keys(part.by_status), 'Succeeded', 'Failed'], count, (status) => countOf({ status })),
    // The cloud cannot be asked for one type.
    api.provider.kind === 'daemon' ? counted(daemonBackupTypes, count, (type) => countOf({ type })) : undefined,
  ]);
  const span = spanOf(oldest === undefined ? read : [...read, oldest]);
  const known = [by_status, by_type].flatMap((counts) => (counts === undefined ? [] : [countsInWords(counts)]));
  const { by_type: types, by_status: statuses, ...rest } = part;
  const sample = {
    ...rest,
    ...(by_type === undefined ? { by_type: types } : {}),
    ...(by_status === undefined ? { by_status: statuses } : {}),
  };
  return {
    text: [
      `${count} backups${span.words}${known.length === 0 ? '' : `: ${known.join('; ')}`}.`,
      `Of the newest ${read.length}: ${partInWords(sample)}.`,
    ],
    data: { ...span.data, by_status, by_type, newest_read: { count: read.length, ...sample } },
  };
}

function told(backups: readonly Backup[]) {
  return {
    by_type: tally(backups.map(({ type }) => type)),
    by_status: tally(backups.map(({ status }) => status)),
    size: sizeInWords(backups.reduce((sum, backup) => sum + (storageBytes(backup) ?? 0), 0)),
    services: new Set(backups.map(({ service_id }) => service_id)).size,
  };
}

function partInWords({ by_type, by_status, size, services }: Partial<ReturnType<typeof told>>): string {
  const of = `of ${services} service${services === 1 ? '' : 's'}`;
  return [by_status && countsInWords(by_status), by_type && countsInWords(by_type), size, of]
    .filter(Boolean)
    .join('; ');
}

function spanOf(backups: readonly Backup[]) {
  const moments = backups.map(takenAt).filter((at) => at > 0);
  if (moments.length === 0) return { words: '', data: {} };
  const said = (at: number): string => timeInWords(new Date(at).toISOString()) ?? '';
  const [oldest, newest] = [said(Math.min(...moments)), said(Math.max(...moments))];
  return { words: `, data of ${oldest} to ${newest}`, data: { oldest, newest } };
}

/** Undefined where the counts cannot be: a server that does not choose answers with all of them each time. */
export async function counted(
  words: readonly string[],
  all: number,
  countOf: (word: string) => Promise<number>,
): Promise<Counts | undefined> {
  const asked = [...new Set(words)].slice(0, 5);
  const counts = await Promise.all(asked.map(async (word) => [word, await countOf(word)] as const));
  const rest = all - counts.reduce((sum, [, count]) => sum + count, 0);
  if (rest < 0) return undefined;
  return Object.fromEntries([...counts, ['other', rest] as const].filter(([, count]) => count > 0));
}
