import { pageTools } from '../../page-names.ts';
import { element, foreign, part } from '../elements.ts';
import { callTimeoutMs, connect, wordsOf } from '../host.ts';
import { chart, sign } from './chart.ts';
import { beginning, newestFirst, Overview, Services, type Timeline, TimelinePage } from './data.ts';
import { order, spans } from './layout.ts';
import { summary } from './summary.ts';
import { cell, grid, table } from './table.ts';

/** No page reads for ever. */
const mostPages = 20;
const rowsAtOnce = 25;

let shown: Timeline | undefined;
let rows = rowsAtOnce;
/** Counts what was asked for: an answer to an earlier choice is dropped. */
let asked = 0;

const app = connect({
  name: 'timeline',
  none: say,
  result(result) {
    const one = Overview.safeParse(result.structuredContent);
    const all = Services.safeParse(result.structuredContent);
    if (result.isError || (!one.success && !all.success)) return say(wordsOf(result));
    if (one.success) {
      show(beginning(one.data));
      void read(one.data.service_id);
    } else if (all.success) showServices(all.data.services);
  },
});

function say(words: string): void {
  part('status').textContent = words.slice(0, 2000);
}

function show(timeline: Timeline): void {
  const { service, name, verdict, reasons, backups } = timeline;
  shown = timeline;
  part('title').replaceChildren(
    'Backups of ',
    foreign(name && name !== service ? `${name} (${service})` : service),
    ' ',
    verdict ? element('span', { class: `verdict ${verdict}` }, verdict) : '',
  );
  part('one').hidden = false;
  part('summary').replaceChildren(...summary(timeline));
  part('reasons').replaceChildren(
    ...reasons
      .filter(({ level }) => level !== 'note')
      .map(({ level, message }) => element('li', { class: level }, foreign(message))),
  );
  part('table').replaceChildren(
    backups.length === 0 ? element('p', {}, 'There are no backups yet.') : table(timeline, rows),
  );
  part('more').hidden = backups.length <= rows;
  part('more').textContent = `Show more (${backups.length - rows} left)`;
  part('span').hidden = backups.length === 0;
  draw();
}

function draw(): void {
  if (shown === undefined) return;
  const box = part('chart');
  const chosen = document.querySelector<HTMLInputElement>('#span input:checked');
  const span = spans.find(({ name }) => name === chosen?.value)?.ms ?? Number.POSITIVE_INFINITY;
  const types = [...new Set(shown.backups.map(({ type }) => type))].sort((a, b) => order(a) - order(b));
  box.replaceChildren(...(shown.backups.length + shown.next.length === 0 ? [] : [chart(shown, span, box.clientWidth)]));
  part('legend').replaceChildren(
    ...types.map((type) => element('li', {}, sign(type, 'done'), foreign(type))),
    ...(shown.backups.some(({ outcome }) => outcome === 'failed')
      ? [element('li', {}, sign('', 'failed'), 'failed')]
      : []),
    ...(shown.next.length > 0 ? [element('li', {}, sign('dump', 'next'), 'next run')] : []),
    ...(types.includes('incremental')
      ? [element('li', {}, 'a line joins a chain; a larger sign is a larger backup')]
      : []),
  );
}

/** Reads all there is through the host, page by page, and shows more as it comes. */
async function read(service: string): Promise<void> {
  asked += 1;
  const mine = asked;
  const backups: Timeline['backups'] = [];
  let rest: Partial<Timeline> = {};
  try {
    for (let page: number | undefined = 1; page !== undefined && page <= mostPages; ) {
      say('Reading all backups…');
      const answer = await app.callServerTool(
        { name: pageTools.timeline, arguments: { service, page } },
        { timeout: callTimeoutMs },
      );
      if (mine !== asked) return;
      if (answer.isError) return say(wordsOf(answer));
      const read = TimelinePage.parse(answer.structuredContent);
      if (page === 1) {
        const { verdict, windows = [], next_runs: next = [], reasons = [] } = read;
        rest = { verdict, reasons, next, windows: windows.map(({ from, to }) => ({ from, to })) };
      }
      backups.push(...read.backups);
      const before = shown?.service === service ? shown : undefined;
      show({
        service,
        name: before?.name,
        verdict: undefined,
        reasons: [],
        windows: [],
        next: [],
        ...rest,
        backups: newestFirst(backups),
        count: read.count,
      });
      page = read.next_page;
    }
    say('');
  } catch {
    if (mine === asked) say('The host did not let this page read all backups: shown is what the answer itself held.');
  }
}

function showServices(
  services: {
    id: string;
    name?: string | undefined;
    verdict: string;
    newest?: string | undefined;
    window_from?: string | undefined;
    window_to?: string | undefined;
    failing?: string[] | undefined;
  }[],
): void {
  say(services.length === 0 ? 'There are no services yet.' : '');
  const choice = part('service');
  choice.replaceChildren(
    element('option', { value: '' }, 'all services'),
    ...services.map(({ id, name }) => element('option', { value: id }, name && name !== id ? `${name} (${id})` : id)),
  );
  part('choose').hidden = services.length === 0;
  part('services').hidden = services.length === 0;
  part('services').replaceChildren(
    grid(
      ['Service', 'State', 'Newest good backup', 'Recovery window', 'Failing'],
      services.map(({ id, name, verdict, newest, window_from, window_to, failing }) => {
        const open = element('button', { type: 'button', 'aria-label': `Timeline of ${id}` }, 'Timeline');
        open.addEventListener('click', () => choose(id));
        return [
          cell('', undefined, foreign(name ?? id), ' ', open),
          cell(verdict, 'State', verdict),
          cell('', 'Newest', foreign(newest ?? 'none')),
          cell('', 'Recovery window', window_from ? `${window_from} to ${window_to}` : 'not possible'),
          cell(failing ? 'failed' : '', 'Failing', failing ? foreign(failing.join(', ')) : 'none'),
        ];
      }),
      'Services',
    ),
  );
}

/** One service, or with '' all of them again. */
function choose(id: string): void {
  (part('service') as HTMLSelectElement).value = id;
  part('services').hidden = id !== '';
  part('one').hidden = id === '';
  rows = rowsAtOnce;
  shown = undefined;
  asked += 1;
  if (id === '') {
    part('title').textContent = 'Backups';
    say('');
    return;
  }
  part('title').replaceChildren('Backups of ', foreign(id));
  part('service').focus();
  void read(id);
}

part('service').addEventListener('change', () => choose((part('service') as HTMLSelectElement).value));
part('more').addEventListener('click', () => {
  rows += 100;
  if (shown) show(shown);
});
for (const { name } of spans) {
  const input = element('input', { type: 'radio', name: 'span', value: name, ...(name === 'all' && { checked: '' }) });
  input.addEventListener('change', draw);
  part('span').append(element('label', {}, input, name));
}
let width = 0;
new ResizeObserver(([entry]) => {
  // The drawing's own height must not make it be drawn again.
  if (entry === undefined || entry.contentRect.width === width) return;
  width = entry.contentRect.width;
  draw();
}).observe(part('chart'));
