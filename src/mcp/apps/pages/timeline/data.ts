import { z } from 'zod';
import { readTime } from '../../../../contract/time.ts';
import { type Chain, chainsOf } from '../../chains.ts';
import type { TimelineBackup } from '../../timeline-backup.ts';

// Compiled parsers are made by what the page's policy forbids.
z.config({ jitless: true });

const Backup = z.object({
  id: z.string(),
  type: z.string(),
  status: z.string(),
  outcome: z.enum(['done', 'failed', 'in_progress']),
  at: z.number(),
  bytes: z.number().optional(),
  full: z.string().optional(),
  message: z.string().optional(),
});

/** What `read_timeline` answers. */
export const TimelinePage = z.object({
  service_id: z.string(),
  backups: z.array(Backup),
  count: z.number(),
  next_page: z.number().optional(),
  verdict: z.string().optional(),
  windows: z.array(z.object({ from: z.number().optional(), to: z.number().optional() })).optional(),
  next_runs: z.array(z.object({ type: z.string(), at: z.number() })).optional(),
  reasons: z.array(z.object({ level: z.string(), message: z.string() })).optional(),
});

const Newest = z.object({
  type: z.string(),
  id: z.string(),
  data_of: z.string().optional(),
  size: z.string().optional(),
});
const Failure = z.object({ type: z.string(), id: z.string(), at: z.string().optional(), why: z.string().optional() });
const Span = z.object({ from: z.string(), to: z.string() });

/** What `show_backups` answers of one service: the beginning, in words. */
export const Overview = z.object({
  service_id: z.string(),
  service_name: z.string().optional(),
  verdict: z.string().optional(),
  count: z.number(),
  newest: z.array(Newest),
  failures: z.array(Failure),
  recovery_windows: z.array(Span),
  next_runs: z.array(z.object({ type: z.string(), at: z.string().optional() })),
});

/** … and of all. */
export const Services = z.object({
  services: z.array(
    z.object({
      id: z.string(),
      name: z.string().optional(),
      verdict: z.string(),
      newest: z.string().optional(),
      window_from: z.string().optional(),
      window_to: z.string().optional(),
      failing: z.array(z.string()).optional(),
    }),
  ),
  count: z.number(),
});

/** A service as the page shows it. */
export interface Timeline {
  service: string;
  name: string | undefined;
  verdict: string | undefined;
  reasons: { level: string; message: string }[];
  /** Newest first. */
  backups: TimelineBackup[];
  /** All there are, shown or not. */
  count: number;
  windows: { from: number | undefined; to: number | undefined }[];
  next: { type: string; at: number }[];
}

/** What the tool's own answer is enough for, until all is read. */
export function beginning(overview: z.output<typeof Overview>): Timeline {
  const at = (time: string | undefined): number => readTime(time)?.getTime() ?? 0;
  const good = overview.newest.map(
    ({ id, type, data_of }): TimelineBackup => ({ id, type, status: 'Succeeded', outcome: 'done', at: at(data_of) }),
  );
  const failed = overview.failures.map(
    (each): TimelineBackup => ({ ...each, status: 'Failed', outcome: 'failed', at: at(each.at), message: each.why }),
  );
  return {
    service: overview.service_id,
    name: overview.service_name,
    verdict: overview.verdict,
    reasons: [],
    backups: newestFirst([...good, ...failed]),
    count: overview.count,
    windows: overview.recovery_windows.map(({ from, to }) => ({
      from: readTime(from)?.getTime(),
      to: readTime(to)?.getTime(),
    })),
    next: overview.next_runs.map(({ type, at: time }) => ({ type, at: at(time) })),
  };
}

export function newestFirst(backups: TimelineBackup[]): TimelineBackup[] {
  return [...backups].sort((a, b) => b.at - a.at);
}

/** The good chains, and where each of their backups stands in them. */
export function linked(backups: TimelineBackup[]): {
  chains: Chain<TimelineBackup>[];
  place: Map<string, string>;
} {
  const chains = chainsOf(backups.filter(({ outcome }) => outcome === 'done')).filter(
    ({ increments }) => increments.length > 0,
  );
  const place = new Map<string, string>();
  for (const { full, increments } of chains) {
    const whole = increments.length;
    if (full) place.set(full.id, `begins a chain of ${whole + 1}`);
    increments.forEach((each, index) => {
      place.set(each.id, `${index + 2} of ${whole + 1} in its chain${full ? '' : ', whose full backup is not listed'}`);
    });
  }
  return { chains, place };
}
