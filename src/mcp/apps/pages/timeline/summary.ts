import { sizeInWords, timeInWords } from '../../../sizes-and-times.ts';
import { element, foreign } from '../elements.ts';
import type { Timeline } from './data.ts';

/** The few things that a person looks for first. */
export function summary({ backups, count, windows, next }: Timeline): HTMLElement[] {
  const good = backups.filter(({ outcome }) => outcome === 'done');
  const failed = backups.filter(({ outcome }) => outcome === 'failed');
  const [newest] = good;
  const window = windows.at(-1);
  const [soonest] = next;
  const stored = sizeInWords(good.reduce((sum, { bytes = 0 }) => sum + bytes, 0));
  return [
    fact('Newest good backup', newest ? moment(newest.at) : 'none', newest && foreign(newest.type)),
    fact(
      'Recovery window',
      window ? moment(window.from) : 'not possible',
      window &&
        `to ${window.to === undefined ? 'now' : moment(window.to)}${windows.length > 1 ? `, and ${windows.length - 1} more spans` : ''}`,
    ),
    fact('Failed', failed.length === 0 ? 'none' : String(failed.length), failed[0] && `last ${moment(failed[0].at)}`),
    fact('Next run', soonest ? moment(soonest.at) : 'none scheduled', soonest && foreign(soonest.type)),
    fact(
      'Backups',
      String(count),
      backups.length < count ? `${backups.length} read` : good.length > 0 ? `${stored} stored` : undefined,
    ),
  ];
}

function fact(name: string, value: string, more: Node | string | undefined): HTMLElement {
  return element(
    'div',
    {},
    element('dt', {}, name),
    element('dd', {}, value, more && element('span', { class: 'soft' }, more)),
  );
}

function moment(ms: number | undefined): string {
  const words = ms ? timeInWords(new Date(ms).toISOString()) : undefined;
  // Seconds help nobody here.
  return words?.replace(/:\d\d UTC$/, ' UTC') ?? 'an unknown moment';
}
