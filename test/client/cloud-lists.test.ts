import { describe, expect, it } from 'vitest';
import type { BackupApi } from '../../src/client/backup-api.ts';
import { cloudOf } from '../doubles/cloud-api.ts';
import type { CloudBackup, CloudState } from '../doubles/cloud-state.ts';

const service = 'dbtgf28216706';
const lists = /^\/skybackup\/v1\/backups$/;
const revisions = ['early', 'new'] as const;
/** Backup `n`, taken `n` minutes into 2026. */
function backup(n: number, of = service): CloudBackup {
  const at = new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString().slice(0, 19);
  return {
    id: `${n.toString(16).padStart(32, '0')}:${of}:pod-0`,
    service_id: of,
    type: 'full',
    method: 'skybucket',
    server_pod: 'pod-0',
    bytes: n,
    reference_full_backup: '',
    point_in_time: at.replace('T', ' '),
    start_time: `${at}Z`,
    end_time: `${at}Z`,
    status: 'Succeeded',
    external: false,
  };
}
const fill = (state: CloudState, count: number): void => {
  state.backups.splice(0, state.backups.length, ...Array.from({ length: count }, (_, n) => backup(n)));
};
const numbers = (items: readonly { id: string }[]): number[] => items.map(({ id }) => Number.parseInt(id, 16));
const newestFirst = (count: number): number[] => Array.from({ length: count }, (_, n) => count - 1 - n);

/** The list as a tool reads it: page by page. */
async function walked(api: BackupApi): Promise<number[]> {
  const seen: number[] = [];
  for (let page = 1, pages = 1; page <= pages; page += 1) {
    const part = await api.listBackups({ service_id: service, order: 'desc', page, page_size: 25 });
    expect(part.count).toBe(130);
    seen.push(...numbers(part.items));
    pages = part.pages;
  }
  return seen;
}

describe.each(revisions)('pages of the %s revision are the ones asked for, whatever the cloud does', (revision) => {
  it.each([
    ['as documented', {}],
    ['page_size ignored, smaller', { pageSize: 10 }],
    ['page_size ignored, larger', { pageSize: 1000 }],
    ['order ignored', { ignoresOrder: true }],
    ['order and page_size ignored', { ignoresOrder: true, pageSize: 7 }],
    ['pages_count too small', { pagesCount: 1 }],
    ['pages_count too large', { pagesCount: 99 }],
    ['pages_count zero', { pagesCount: 0 }],
    ['a count that is too small, in pages of its own size', { count: 3, pageSize: 200 }],
  ])('%s', async (_, quirks) => {
    const { api, cloud } = await cloudOf({ revision, lists: quirks });
    fill(cloud.state, 130);
    expect(await walked(api)).toEqual(newestFirst(130));
    expect((await api.listBackups({ type: 'full' })).count).toBe(130);
    expect(await api.getBackup(backup(0).id)).toMatchObject({ service_id: service });
  });

  it('one request is enough for a page where the cloud does as it is asked', async () => {
    const { api, cloud } = await cloudOf({ revision });
    fill(cloud.state, 130);
    await api.listBackups({ service_id: service, order: 'desc', page: 2, page_size: 25 });
    expect(cloud.requests).toHaveLength(1);
  });

  it('more than ten thousand rows are read to the last', async () => {
    const { api, cloud } = await cloudOf({ revision });
    fill(cloud.state, 10_250);
    const page = await api.listBackups({ type: 'full', order: 'desc', page: 1, page_size: 10_250 });
    expect(page.count).toBe(10_250);
    expect(numbers(page.items)).toEqual(newestFirst(10_250));
  });
});

describe.each(revisions)('rows that move while a list of the %s revision is read', (revision) => {
  const cases: [string, boolean, (state: CloudState, n: number) => void][] = [
    ['new ones come at the front', false, (state, n) => void state.backups.push(backup(1000 + n))],
    ['the oldest go', false, (state) => void state.backups.shift()],
    ['one of those read already goes', false, (state) => void state.backups.splice(-3, 1)],
    [
      'the oldest go, new ones come, and the order is that in which they were made',
      true,
      (state, n) => {
        state.backups.shift();
        state.backups.push(backup(1000 + n));
      },
    ],
    ['one goes at the front of the order', true, (state) => void state.backups.shift()],
  ];
  it.each(cases)('%s: no row twice, none lost', async (_, ignoresOrder, change) => {
    const { api, cloud } = await cloudOf({ revision, lists: { ignoresOrder } });
    fill(cloud.state, 350);
    for (const n of [1, 2]) cloud.fault({ path: lists, afterwards: (state) => change(state, n) });
    const page = await api.listBackups({ type: 'full', order: 'desc', page: 1, page_size: 1000 });
    const read = numbers(page.items);
    expect(new Set(read).size).toBe(read.length);
    expect(read).toEqual(numbers(cloud.state.backups.toReversed()));
  });

  it('a list that never stands still loses nothing that stays', async () => {
    const { api, cloud } = await cloudOf({ revision, lists: { ignoresOrder: true } });
    fill(cloud.state, 350);
    let n = 0;
    cloud.fault({
      path: lists,
      times: 1000,
      afterwards: (state) => {
        state.backups.shift();
        state.backups.push(backup(1000 + n++));
      },
    });
    const page = await api.listBackups({ type: 'full', order: 'desc', page: 1, page_size: 1000 });
    const read = new Set(numbers(page.items));
    expect(page.items).toHaveLength(read.size);
    const stayed = numbers(cloud.state.backups).filter((each) => each < 1000);
    expect(stayed.length).toBeGreaterThan(300);
    expect(stayed.filter((each) => !read.has(each))).toEqual([]);
  });
});

describe.each(revisions)('lists over all services of the %s revision', (revision) => {
  it('schedules and restores are whole and in order, with service_id demanded or not, whatever the order of the cloud', async () => {
    for (const listNeedsService of [true, false]) {
      const { api, cloud } = await cloudOf({ revision, listNeedsService, lists: { ignoresOrder: true, pageSize: 3 } });
      const [schedule] = cloud.state.schedules;
      const [restore] = cloud.state.restores;
      if (!schedule || !restore) throw new Error('nothing is printed');
      for (let n = 0; n < 30; n += 1) {
        const of = cloud.state.services[n % 3]?.id ?? '';
        cloud.state.schedules.push({ ...schedule, id: 300 + n, service_id: of });
        cloud.state.restores.push({ ...restore, id: 300 + n, service_id: of });
      }
      const query = { order: 'desc', page: 1, page_size: 10 } as const;
      const newest = Array.from({ length: 10 }, (_, n) => 329 - n);
      const schedules = await api.listSchedules(query);
      expect(schedules).toMatchObject({ count: 32, pages: 4 });
      expect(schedules.items.map(({ id }) => id)).toEqual(newest);
      const restores = await api.listRestores(query);
      expect(restores).toMatchObject({ count: 31, pages: 4 });
      expect(restores.items.map(({ id }) => id)).toEqual(newest);
      const own = await api.listRestores({ ...query, service_id: cloud.state.services[0]?.id });
      expect(own.items.map(({ id }) => id)).toEqual([327, 324, 321, 318, 315, 312, 309, 306, 303, 300]);
    }
  });

  it('services come by page_token: one that moves comes once, and a token that leads back ends it', async () => {
    const { api, cloud } = await cloudOf({ revision, servicesPageSize: 2 });
    const ids = cloud.state.services.map(({ id }) => id);
    const [first] = cloud.state.services;
    if (!first) throw new Error('no service');
    cloud.fault({
      path: /services$/,
      afterwards: (state) => void state.services.unshift({ ...first, id: 'dbnew00000001' }),
    });
    expect((await api.listServices()).map(({ id }) => id)).toEqual(ids);
    expect(cloud.requests.at(0)?.query).toEqual({ page_size: '100' });
  });

  it('no more than six services are asked at once', async () => {
    const { api, cloud } = await cloudOf({ revision, listNeedsService: true });
    const [first] = cloud.state.services;
    for (let n = 0; n < 27 && first; n += 1) cloud.state.services.push({ ...first, id: `dbmany${n}` });
    let now = 0;
    let most = 0;
    cloud.fault({
      path: /schedules$/,
      times: 1000,
      delayMs: 20,
      before: () => {
        now += 1;
        most = Math.max(most, now);
      },
      afterwards: () => {
        now -= 1;
      },
    });
    await api.listSchedules({ order: 'desc' });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(6);
  });
});
