import type { DaemonApi } from '../client/backup-api.ts';
import type { AuditEntry } from '../contract/audit.ts';
import { parseMoment } from '../contract/time.ts';
import { table } from './table.ts';
import { exitCodes, type Terminal, UsageError } from './terminal.ts';
import { daemonOf, withApi } from './with-api.ts';

/** Who changed what at the daemon, or was refused it, oldest first. */
export function showAudit(terminal: Terminal, options: { since?: string }): Promise<number> {
  return withApi(terminal, async (api) => {
    const entries = await entriesSince(daemonOf(api, 'The audit'), moment(options.since ?? '1d'));
    const head = ['TIME', 'WHO', 'CALLS ITSELF', 'WHAT', 'TARGET', 'OUTCOME', 'PLAN', 'YES BY'];
    terminal.result({ entries }, entries.length === 0 ? 'Nothing was changed.' : table(head, entries.map(row)));
    return exitCodes.done;
  });
}

function row({ at, principal, action, target, outcome, detail }: AuditEntry): (string | undefined)[] {
  const text = (name: string): string | undefined => (typeof detail[name] === 'string' ? detail[name] : undefined);
  const end = [outcome, text('code')].filter(Boolean).join(': ');
  return [at, principal, text('claimed_client'), action, target, end, text('plan'), text('channel')];
}

async function entriesSince(daemon: DaemonApi, since: Date): Promise<AuditEntry[]> {
  const all: AuditEntry[] = [];
  for (let page = 1, pages = 1; page <= pages; page += 1) {
    const part = await daemon.listAudit({ since: since.toISOString(), page, page_size: 1000, order: 'asc' });
    all.push(...part.items);
    pages = part.pages;
  }
  return all;
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A moment, or how long ago it was. */
function moment(given: string): Date {
  const [, count, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(given.trim()) ?? [];
  const at =
    count === undefined ? parseMoment(given.trim()) : new Date(Date.now() - Number(count) * (units[unit] ?? 0));
  if (at !== undefined) return at;
  throw new UsageError(
    `--since ${given} is no moment.`,
    'Give "2026-01-31 18:00:00" (UTC), 2026-01-31T18:00:00Z, or how long ago: 36h, 7d.',
  );
}
