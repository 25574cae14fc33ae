import { timeInWords } from '../../../sizes-and-times.ts';
import { linked, type Timeline } from './data.ts';

const day = 86_400_000;
/** The lanes in this order from the top; types that nobody knows yet come after. */
const known = ['full', 'incremental', 'dump', 'snapshot', 'binarylog'];
const laneHeight = 38;
const windowHeight = 30;
const axisHeight = 22;
const side = 10;

export interface Mark {
  x: number;
  y: number;
  /** Half of its width. */
  size: number;
  type: string;
  state: 'done' | 'failed' | 'running' | 'next';
  index: number | undefined;
}

export interface Layout {
  width: number;
  height: number;
  windows: { x: number; width: number }[];
  lanes: { type: string; y: number; count: number }[];
  chains: { x: number; y: number }[][];
  marks: Mark[];
  ticks: { x: number; label: string }[];
  nowX: number;
}

export const spans = [
  { name: '1 day', ms: day },
  { name: '1 week', ms: 7 * day },
  { name: '30 days', ms: 30 * day },
  { name: 'all', ms: Number.POSITIVE_INFINITY },
] as const;

/** Where everything stands in a drawing of this width. */
export function layoutOf(timeline: Timeline, spanMs: number, now: number, width: number): Layout {
  const { backups, windows, next } = timeline;
  const begin = beginOf(timeline, spanMs, now);
  const coming = next.filter(({ at }) => at > now && at - now <= Math.max(day, (now - begin) / 3));
  const end = Math.max(now, ...coming.map(({ at }) => at)) + (now - begin) * 0.02;
  const x = (at: number): number => side + ((at - begin) / (end - begin)) * (width - 2 * side);

  const types = [...new Set([...backups, ...coming].map(({ type }) => type))];
  types.sort((a, b) => order(a) - order(b));
  const lanes = types.map((type, index) => ({
    type,
    y: windowHeight + index * laneHeight + laneHeight - 10,
    count: backups.filter((each) => each.type === type).length,
  }));
  const y = (type: string): number => lanes.find((lane) => lane.type === type)?.y ?? windowHeight;
  const largest = Math.max(1, ...backups.map(({ bytes = 0 }) => bytes));
  const seen = (at: number): boolean => at >= begin && at > 0;

  const marks = backups.flatMap(({ at, type, outcome, bytes = 0 }, index): Mark[] => {
    const state = outcome === 'in_progress' ? 'running' : outcome;
    const size = type === 'binarylog' ? 5 : 4 + 4 * Math.sqrt(bytes / largest);
    return seen(at) ? [{ x: x(at), y: y(type), size, type, state, index }] : [];
  });
  const planned = coming.map(
    ({ at, type }): Mark => ({ x: x(at), y: y(type), size: 5, type, state: 'next', index: undefined }),
  );
  return {
    width,
    height: windowHeight + lanes.length * laneHeight + axisHeight,
    windows: windows.flatMap(({ from, to }) => {
      const [left, right] = [Math.max(begin, from ?? begin), Math.min(now, to ?? now)];
      return right >= begin && right >= left ? [{ x: x(left), width: Math.max(2, x(right) - x(left)) }] : [];
    }),
    lanes,
    chains: linked(backups)
      .chains.map(({ full, increments }) =>
        [...(full ? [full] : []), ...increments]
          .filter(({ at }) => seen(at))
          .map((each) => ({
            x: x(each.at),
            y: y(each.type),
          })),
      )
      .filter((points) => points.length > 1),
    // The large ones behind the small ones.
    marks: [...marks.sort((a, b) => b.size - a.size), ...planned],
    ticks: ticksOf(begin, end, width).map((at) => ({ x: x(at), label: tickLabel(at, end - begin) })),
    nowX: x(now),
  };
}

function beginOf({ backups, windows }: Timeline, spanMs: number, now: number): number {
  const moments = [...backups.map(({ at }) => at), ...windows.flatMap(({ from }) => from ?? [])].filter((at) => at > 0);
  const oldest = Math.min(now - 3_600_000, ...moments);
  const begin = Math.max(oldest, now - spanMs);
  return begin - (now - begin) * 0.02;
}

/** By the lanes' order, for sorting. */
export function order(type: string): number {
  const at = known.indexOf(type);
  return at < 0 ? known.length : at;
}

/** Round moments, as many as have room for their labels. */
function ticksOf(begin: number, end: number, width: number): number[] {
  const most = Math.max(2, Math.floor(width / 80));
  const steps = [1 / 24, 3 / 24, 6 / 24, 1, 2, 7, 14, 30, 61, 182, 365].map((days) => days * day);
  const step =
    steps.find((each) => (end - begin) / each <= most) ?? 365 * day * Math.ceil((end - begin) / (365 * day) / most);
  const ticks: number[] = [];
  for (let at = Math.ceil(begin / step) * step; at < end; at += step) ticks.push(at);
  return ticks;
}

/** `11-24`, or `06:00` where days are too coarse. */
function tickLabel(at: number, range: number): string {
  const words = timeInWords(new Date(at).toISOString()) ?? '';
  if (range > 300 * day) return words.slice(0, 7);
  return range > 3 * day
    ? words.slice(5, 10)
    : words.slice(11, 16) === '00:00'
      ? words.slice(5, 10)
      : words.slice(11, 16);
}
