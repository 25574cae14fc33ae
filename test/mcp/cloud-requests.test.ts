import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { now } from '../doubles/cloud-state.ts';
import { RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
const many = 50;
let cloud: CloudDouble;
let client: RawClient;
let home: { home: string; remove: () => Promise<void> };

beforeEach(async () => {
  home = await newHome();
});
afterEach(async () => {
  await client.close();
  await cloud.close();
  await home.remove();
});

/** Fifty services with a week of nightly fulls, a schedule and a restore each. */
function fill({ state }: CloudDouble): void {
  const [service] = state.services;
  const [backup] = state.backups;
  const [schedule] = state.schedules;
  const [restore] = state.restores;
  if (!service || !backup || !schedule || !restore) throw new Error('nothing is printed');
  for (let n = state.services.length; n < many; n += 1)
    state.services.push({ ...service, id: `dbmany${String(n).padStart(6, '0')}`, name: `many-${n}` });
  const day = 86_400_000;
  for (let ago = 6; ago >= 0; ago -= 1) {
    for (const [n, { id }] of state.services.entries()) {
      const at = now({ skewMs: -ago * day - (many - n) * 1000 });
      const hex = `${ago}${n}`.padStart(32, '0');
      const times = { start_time: at, end_time: at, point_in_time: at.replace('T', ' ').replace('Z', '') };
      state.backups.push({ ...backup, ...times, id: `${hex}:${id}:pod-0`, service_id: id });
    }
  }
  for (const [n, { id }] of state.services.entries()) {
    state.schedules.push({ ...schedule, id: 1000 + n, service_id: id });
    state.restores.push({ ...restore, id: 1000 + n, service_id: id });
  }
}

/** What each call may ask of the cloud. Of more than a hundred backups the cloud's own counts are asked. Walks of fifty services are the newer revision's own demand. */
const most: Record<'early' | 'new', Record<string, number>> = {
  early: {
    list_services: 1,
    list_backups: 5,
    list_schedules: 1,
    list_restores: 1,
    check_backups: 8,
    of_one: 2,
    create_backup: 4,
    plan: 8,
    restore: 11,
  },
  new: {
    list_services: 1,
    list_backups: 5,
    list_schedules: 52,
    list_restores: 52,
    check_backups: 106,
    of_one: 2,
    create_backup: 4,
    plan: 8,
    restore: 10,
  },
};

it.each(['early', 'new'] as const)(
  'fifty services in the %s revision: few requests for each call',
  async (revision) => {
    cloud = await startCloudDouble({ revision, advance: false });
    fill(cloud);
    client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), 'modern');
    const counts: Record<string, number> = {};
    const counted = async <T>(name: string, call: Promise<T>): Promise<T> => {
      const before = cloud.requests.length;
      const reply = await call;
      counts[name] = cloud.requests.length - before;
      return reply;
    };
    for (const tool of ['list_services', 'list_backups', 'list_schedules', 'list_restores', 'check_backups'])
      expect(await counted(tool, client.call(tool, {}))).toMatchObject({ isError: false });
    expect(await counted('of_one', client.call('list_schedules', { service: 'orders' }))).toMatchObject({
      isError: false,
    });
    const backup = await counted('create_backup', client.call('create_backup', { service: 'orders' }));
    expect(backup).toMatchObject({ isError: false });
    const asking = await counted('plan', client.ask('restore_backup', { service: 'orders', backup: 'latest' }));
    expect(await counted('restore', asking.answer('accept', { typed_id: orders }))).toMatchObject({ isError: false });
    for (const [name, count] of Object.entries(counts))
      expect(count, name).toBeLessThanOrEqual(most[revision][name] ?? 0);
  },
);
