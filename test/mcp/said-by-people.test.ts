import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: RawClient[] = [];

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

async function start(era: 'legacy' | 'modern' = 'modern', elicitation = true): Promise<RawClient> {
  const client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), era, { elicitation });
  clients.push(client);
  return client;
}

const orders = 'dbtgf28044362';
const backupId = (hex: string): string => `${hex.repeat(32)}:${orders}:pod-0`;

/** Backups of orders, one each noon of March 2024; the last is a binary log, the one before it failed. */
function dailyBackups(): void {
  const [printed] = cloud.state.backups;
  if (printed === undefined) throw new Error('no backup is printed');
  for (const [index, day] of ['20', '21', '22', '23', '24'].entries()) {
    cloud.state.backups.push({
      ...printed,
      id: backupId(String(index)),
      service_id: orders,
      point_in_time: `2024-03-${day} 12:00:00`,
      start_time: `2024-03-${day}T12:00:00Z`,
      end_time: `2024-03-${day}T12:05:00Z`,
      type: index === 4 ? 'binarylog' : 'full',
      status: index === 3 ? 'Failed' : 'Succeeded',
    });
  }
}

it.each([
  ['latest', '2'],
  ['Newest', '2'],
  ['the last backup', '2'],
  ['most recent', '2'],
  ['latest before 2024-03-22 12:00', '1'],
  ['latest before 2024-03-22 12:00:01', '2'],
  ['newest backup before 2024-03-21 14:30 Europe/Berlin', '1'],
  ['last before 2024-03-21T12:00:00Z', '0'],
])('%j of a service is its newest whole backup of before then', async (id, hex) => {
  dailyBackups();
  const client = await start();
  expect(await client.call('list_backups', { service: 'orders', id })).toMatchObject({
    data: { count: 1, backups: [{ id: backupId(hex) }] },
  });
});

it('the newest is found behind hundreds of binary logs, and no further than needed', async () => {
  dailyBackups();
  const [log] = cloud.state.backups.filter(({ type }) => type === 'binarylog');
  for (let i = 0; i < 450 && log; i += 1) {
    cloud.state.backups.push({ ...log, id: `${i.toString(16).padStart(32, '0')}:${orders}:pod-0` });
  }
  const client = await start();
  const reply = await client.call('list_backups', { service: 'orders', id: 'latest' });
  expect(reply).toMatchObject({ data: { backups: [{ id: backupId('2') }] } });
  expect(cloud.requests.filter(({ path }) => path.endsWith('/backups'))).toHaveLength(5);
});

it('what is no moment, no backup, or of another service is refused with what may be meant, and nothing is planned', async () => {
  dailyBackups();
  const client = await start('modern', false);
  const refusals: [Record<string, unknown>, RegExp][] = [
    [{ service: 'orders', backup: 'latest before 03/04/2024' }, /2024-04-03; or 2024-03-04/],
    [{ service: 'orders', backup: 'latest before 3:00' }, /names no day/],
    [{ service: 'orders', backup: 'the one from monday' }, /is not a backup id.*latest before/s],
    [
      { service: 'orders', backup: 'latest before 2023-01-01 00:00' },
      /no finished backup of before 2023-01-01 00:00:00 UTC/,
    ],
    [
      { service: 'orders', backup: backupId('1'), source: 'dbtgf28216706' },
      /is of dbtgf28044362, not of dbtgf28216706/,
    ],
    [{ service: 'orders', point_in_time: '2024-03-26T12:00:00' }, /a zone is needed/],
    [
      { service: 'orders', point_in_time: '2024-03-26 12:00 IST' },
      /Asia\/Kolkata or Asia\/Jerusalem or Europe\/Dublin/,
    ],
    [
      { service: 'orders', point_in_time: '2023-10-29 02:30 Europe/Berlin' },
      /2023-10-29 00:30:00 UTC; or 2023-10-29 01:30:00 UTC/,
    ],
  ];
  for (const [args, words] of refusals) {
    const reply = await client.call('restore_backup', args);
    expect(reply).toMatchObject({ isError: true, data: { error: { hint: expect.any(String) } } });
    expect(reply.text).toMatch(words);
    expect(reply.data.plan).toBeUndefined();
  }
  expect(cloud.requests.some(({ method, path }) => method === 'POST' && path.endsWith('/restores'))).toBe(false);
});

describe.each(eras)('a moment in people’s words (%s)', (era) => {
  it('is asked about, and carried out, as the one exact moment in UTC that it was when first said', async () => {
    const client = await start(era);
    const wanted = Date.parse('2024-03-26T12:00:00Z');
    const ago = `${Math.floor((Date.now() - wanted) / 3_600_000)} hours ago`;
    const asking = await client.ask('restore_backup', { service: 'orders', point_in_time: ago, safety_backup: false });
    const [, shown = ''] = /Data as of: ([\d-]+ [\d:]+) UTC/.exec(asking.message) ?? [];
    expect(Math.abs(Date.parse(`${shown.replace(' ', 'T')}Z`) - wanted)).toBeLessThanOrEqual(3_600_000);
    // Until the clock has moved on, a moment that is read anew would be the same.
    const second = Math.floor(Date.now() / 1000);
    while (Math.floor(Date.now() / 1000) === second) await new Promise((resolve) => setTimeout(resolve, 20));
    const reply = await asking.answer('accept', { typed_id: orders });
    expect(reply).toMatchObject({ isError: false });
    expect(reply.text).toContain(`${shown} UTC`);
    expect(cloud.requests.findLast(({ method }) => method === 'POST')?.body).toMatchObject({ point_in_time: shown });
  });

  it('is named exactly in the plan for a terminal, which the same call with that moment carries out', async () => {
    const client = await start(era, false);
    const said = { service: 'orders', point_in_time: '2024-03-26 13:00 Europe/Berlin', safety_backup: false };
    const plan = await client.call('restore_backup', said);
    const exact = '"point_in_time":"2024-03-26 12:00:00"';
    expect(plan.text).toContain(exact);
    expect(plan.data.next).toContain(exact);
    expect(plan.data.plan).toMatchObject({ recovery_point: '2024-03-26 12:00:00 UTC' });
  });
});

it('types are taken in people’s words, too', async () => {
  const client = await start();
  const reply = await client.call('create_backup', { service: 'Orders', type: 'Full backup', storage: null });
  expect(reply).toMatchObject({ isError: false });
  expect(cloud.requests.findLast(({ method }) => method === 'POST')?.body).toMatchObject({ backup_type: 'full' });
});
