import { sizeInWords, timeInWords } from '../../../sizes-and-times.ts';
import { element, foreign } from '../elements.ts';
import { linked, type Timeline } from './data.ts';

const columns = ['Data of', 'Type', 'Status', 'Size', 'Chain', 'Id'];

/** All that the drawing shows, in words; the newest `most`. */
export function table({ backups }: Timeline, most: number): HTMLElement {
  const { place } = linked(backups);
  return grid(
    columns,
    backups
      .slice(0, most)
      .map(({ id, type, status, outcome, at, bytes, full, message }) => [
        cell('time', undefined, at > 0 ? timeInWords(new Date(at).toISOString()) : 'time unknown'),
        cell('', undefined, foreign(type)),
        cell(
          outcome === 'failed' ? 'failed' : '',
          undefined,
          foreign(status),
          outcome === 'failed' && message ? foreign(message, { class: 'why' }) : undefined,
        ),
        cell('size', 'Size', sizeInWords(bytes) ?? 'unknown'),
        cell('', 'Chain', place.get(id) ?? (full ? 'its full backup is not listed' : '—')),
        cell('', 'Id', foreign(id, { class: 'id' })),
      ]),
    'Backups',
  );
}

/** Roles are said outright: a table that a narrow page lays out as blocks would lose them. */
export function grid(heads: readonly string[], rows: HTMLElement[][], label: string): HTMLElement {
  return element(
    'table',
    { role: 'table', 'aria-label': label },
    element(
      'thead',
      { role: 'rowgroup' },
      element(
        'tr',
        { role: 'row' },
        ...heads.map((head) => element('th', { role: 'columnheader', scope: 'col' }, head)),
      ),
    ),
    element('tbody', { role: 'rowgroup' }, ...rows.map((cells) => element('tr', { role: 'row' }, ...cells))),
  );
}

/** `name` is said before it where the page is too narrow for heads. */
export function cell(look: string, name: string | undefined, ...children: (Node | string | undefined)[]): HTMLElement {
  return element('td', { role: 'cell', class: look, ...(name && { 'data-name': name }) }, ...children);
}
