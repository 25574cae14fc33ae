import { sizeInWords, timeInWords } from '../../../sizes-and-times.ts';
import { drawing, element } from '../elements.ts';
import type { Timeline } from './data.ts';
import { type Layout, layoutOf, type Mark } from './layout.ts';

/** The drawing. To those who do not see it, it is one picture with a summary: the table below says everything. */
export function chart(timeline: Timeline, spanMs: number, width: number): SVGSVGElement {
  const layout = layoutOf(timeline, spanMs, Date.now(), Math.max(240, width));
  const { height } = layout;
  return drawing(
    'svg',
    {
      role: 'img',
      'aria-label': `Drawing of ${layout.marks.length} backups and runs by type and time, ${layout.chains.length} chains. The table below lists them.`,
      width: layout.width,
      height,
      viewBox: `0 0 ${layout.width} ${height}`,
    },
    ...layout.ticks.flatMap(({ x, label }) => [
      drawing('line', { class: 'tick', x1: x, x2: x, y1: 16, y2: height - 18 }),
      drawing('text', { x, y: height - 5, 'text-anchor': anchor(x, layout.width) }, label),
    ]),
    drawing('line', { class: 'now', x1: layout.nowX, x2: layout.nowX, y1: 16, y2: height - 18 }),
    ...windows(layout),
    ...layout.lanes.map(({ y }) => drawing('line', { class: 'lane', x1: 0, x2: layout.width, y1: y, y2: y })),
    ...layout.chains.map((points) => drawing('path', { class: 'chain', d: pathOf(points) })),
    ...layout.lanes.map(({ type, y, count }) =>
      drawing('text', { x: 0, y: y - 16 }, `${type.slice(0, 24)} · ${count}`),
    ),
    ...layout.marks.map((mark) => drawing('g', {}, drawing('title', {}, titleOf(mark, timeline)), shape(mark))),
  );
}

function windows({ windows: spans, width }: Layout): SVGElement[] {
  const label = spans.length === 0 ? 'no recovery to any moment' : 'recovery to any moment';
  return [
    drawing('text', { x: 0, y: 11 }, label),
    ...spans.map(({ x, width: wide }) =>
      drawing('rect', { class: 'window', x, y: 16, width: Math.min(wide, width - x), height: 8, rx: 4 }),
    ),
  ];
}

function anchor(x: number, width: number): string {
  return x < 24 ? 'start' : x > width - 24 ? 'end' : 'middle';
}

/** Down from the full backup, then along its increments. */
function pathOf(points: readonly { x: number; y: number }[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y}`).join(' ');
}

function titleOf({ index, type, state }: Mark, { backups }: Timeline): string {
  const backup = index === undefined ? undefined : backups[index];
  if (backup === undefined) return `next ${type}`;
  const size = sizeInWords(backup.bytes);
  return [type, timeInWords(new Date(backup.at).toISOString()), size, state === 'failed' ? 'failed' : backup.status]
    .filter(Boolean)
    .join(' · ');
}

/** Types differ by shape as well as by colour, and a failure by both. */
export function shape({ x, y, size, type, state }: Pick<Mark, 'x' | 'y' | 'size' | 'type' | 'state'>): SVGElement {
  const known = ['full', 'incremental', 'dump', 'snapshot'].includes(type) ? type : 'binarylog';
  const name = `mark ${state === 'done' ? known : state}`;
  const s = size;
  if (state === 'failed') return drawing('path', { class: name, d: `M${x - 5} ${y - 5}l10 10m0-10l-10 10` });
  switch (known) {
    case 'full':
      return drawing('rect', { class: name, x: x - s, y: y - s, width: 2 * s, height: 2 * s, rx: 1.5 });
    case 'incremental':
      return drawing('path', { class: name, d: `M${x} ${y - s}l${s} ${2 * s}h${-2 * s}z` });
    case 'dump':
      return drawing('circle', { class: name, cx: x, cy: y, r: s });
    case 'snapshot':
      return drawing('path', {
        class: name,
        d: `M${x} ${y - s - 1}l${s + 1} ${s + 1}l${-s - 1} ${s + 1}l${-s - 1} ${-s - 1}z`,
      });
    default:
      return drawing('rect', { class: name, x: x - 1.5, y: y - s - 1, width: 3, height: 2 * s + 2 });
  }
}

/** A shape with its name, for the legend and the table. */
export function sign(type: string, state: Mark['state']): HTMLElement {
  return element(
    'span',
    { 'aria-hidden': 'true' },
    drawing('svg', { width: 14, height: 14, viewBox: '0 0 14 14' }, shape({ x: 7, y: 7, size: 4.5, type, state })),
  );
}
