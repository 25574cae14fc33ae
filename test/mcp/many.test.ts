import { encode } from 'gpt-tokenizer';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { RawClient, type Reply } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const many = 10_000;
let cloud: CloudDouble;
let client: RawClient;
let home: { home: string; remove: () => Promise<void> };

const serviceIds = Array.from({ length: 300 }, (_, index) => `dbtgf9${String(index).padStart(4, '0')}`);
const minute = 60_000;
const first = Date.parse('2026-01-01T00:00:00Z');

beforeAll(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
  const [service] = cloud.state.services;
  const [backup] = cloud.state.backups;
  if (service === undefined || backup === undefined) throw new Error('nothing is printed');
  cloud.state.services = serviceIds.map((id, index) => ({
    ...service,
    id,
    name: `shop ${index}`,
    status: index % 30 === 0 ? 'stopped' : 'ready',
  }));
  cloud.state.backups = Array.from({ length: many }, (_, index) => {
    const at = new Date(first + index * minute).toISOString().slice(0, 19);
    const service_id = serviceIds[index % 4] ?? '';
    return {
      ...backup,
      id: `${index.toString(16).padStart(32, '0')}:${service_id}:pod-0`,
      service_id,
      type: index % 5 === 0 ? 'full' : 'incremental',
      status: index % 10 === 9 ? 'Failed' : 'Succeeded',
      bytes: 1_000_000,
      point_in_time: at.replace('T', ' '),
      start_time: `${at}Z`,
      end_time: `${at}Z`,
    };
  });
  client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), 'modern');
});
afterAll(async () => {
  await client.close();
  await cloud.close();
  await home.remove();
});
beforeEach(() => void cloud.requests.splice(0));

function cheap({ text, data }: Reply): void {
  const tokens = encode(text).length + encode(JSON.stringify(data)).length;
  process.stdout.write(`${tokens} tokens, ${cloud.requests.length} requests\n`);
  expect(tokens).toBeLessThanOrEqual(2000);
}

describe('10,000 backups', () => {
  it('come as a summary, whose figures are the counts of the provider, and the first page', async () => {
    const reply = await client.call('list_backups', { limit: 25 });
    cheap(reply);
    expect(cloud.requests.length).toBeLessThanOrEqual(5);
    const oldest = '2026-01-01 00:00:00 UTC';
    const newest = '2026-01-07 22:39:00 UTC';
    expect(reply.data).toMatchObject({
      count: many,
      next_cursor: expect.any(String),
      summary: {
        oldest,
        newest,
        by_status: { Succeeded: 9000, Failed: 1000 },
        // The cloud counts no types: what is not counted is told of what was read.
        newest_read: { count: 100, by_type: { full: 20, incremental: 80 }, size: '100 MB', services: 4 },
      },
    });
    expect(reply.text).toContain(`${many} backups, data of ${oldest} to ${newest}: 9000 Succeeded, 1000 Failed.`);
    expect(reply.text).toContain('Of the newest 100: 80 incremental, 20 full; 100 MB; of 4 services.');
    expect((reply.data.backups as { data_of: string }[])[0]?.data_of).toBe(newest);

    cloud.requests.splice(0);
    const more = await client.call('list_backups', { limit: 25, cursor: reply.data.next_cursor });
    expect(more.data.summary).toBeUndefined();
    expect(cloud.requests).toHaveLength(1);
  });

  it('of one service are counted for it alone', async () => {
    const reply = await client.call('list_backups', { service: 'shop 1' });
    cheap(reply);
    expect(reply.data).toMatchObject({ count: 2500, summary: { by_status: { Succeeded: 2000, Failed: 500 } } });
    expect(reply.text).toContain('of 1 service.');
  });
});

it('of a few more backups than a page shows, all are read, and the summary is whole', async () => {
  const kept = cloud.state.backups;
  cloud.state.backups = kept.slice(0, 60);
  const reply = await client.call('list_backups', {});
  cloud.state.backups = kept;
  cheap(reply);
  expect(cloud.requests).toHaveLength(2);
  expect(reply.data.summary).toMatchObject({ by_type: { full: 12, incremental: 48 }, size: '60.0 MB', services: 4 });
  expect(reply.data.summary).not.toHaveProperty('newest_read');
});

it('two visible services among 300 cost few requests, and only theirs are counted', async () => {
  const visible = { SKYBACKUP_SERVICES: serviceIds.slice(1, 3).join(',') };
  const seeing = await RawClient.start(serverCommand(home.home, { ...cloudEnvironment(cloud), ...visible }), 'modern');
  const reply = await seeing.call('list_backups', {});
  const last = await seeing.call('list_backups', { cursor: reply.data.next_cursor });
  await seeing.close();
  cheap(reply);
  expect(reply.data).toMatchObject({ count: 5000, summary: { oldest: '2026-01-01 00:01:00 UTC' } });
  expect(cloud.requests.length).toBeLessThanOrEqual(20);
  const ids = [reply, last].flatMap(({ data }) =>
    (data.backups as { service_id: string }[]).map((each) => each.service_id),
  );
  expect(new Set(ids)).toEqual(new Set(serviceIds.slice(1, 3)));
});

it('300 services come with how many are in which state, and the first page', async () => {
  const reply = await client.call('list_services', { limit: 100 });
  cheap(reply);
  expect(cloud.requests.length).toBeLessThanOrEqual(6);
  expect(reply.data).toMatchObject({ count: 300, summary: { by_status: { ready: 290, stopped: 10 } } });
  expect(reply.text).toContain('300 services: 290 ready, 10 stopped.');
  expect((reply.data.services as unknown[]).length).toBeGreaterThan(5);
});
