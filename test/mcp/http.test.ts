import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type HttpDaemon, startHttpDaemon } from './http-daemon.ts';
import { eras } from './raw-client.ts';
import { sdkClientNames, sdkClients } from './sdk-clients.ts';

let http: HttpDaemon;
beforeAll(async () => {
  http = await startHttpDaemon();
});
afterEach(() => http.closeClients());
afterAll(() => http.daemon.dispose());

describe.each(sdkClientNames)('%s over HTTP', (name) => {
  it('lists, takes a backup, follows it with progress, reads, and deletes a schedule after a yes', async () => {
    const schedule = await http.newSchedule();
    const questions: string[] = [];
    const headers = { authorization: `Bearer ${http.keys.administrator}` };
    const client = await sdkClients[name]({ url: http.url, headers }, (message) => {
      questions.push(message);
      return { action: 'accept', content: { typed_id: String(schedule) } };
    });
    try {
      const tools = await client.tools();
      expect(tools.map((tool) => tool.name)).toEqual(expect.arrayContaining(['list_backups', 'undo_restore']));
      expect(client.instructions()).toContain('approval of a person');
      const started = await client.call('create_backup', { service: 'shop' });
      const messages: string[] = [];
      const args = started.data.wait_for as Record<string, unknown>;
      const waited = await client.call('wait_for', args, (message) => messages.push(message));
      expect(waited).toMatchObject({ isError: false, data: { finished: true, outcome: 'done' } });
      expect(messages.length).toBeGreaterThan(0);
      expect(JSON.parse(await client.read('skybackup://backups/shop')).count).toBeGreaterThan(0);
      expect(await client.complete('sh')).toEqual(['shop']);
      expect(await client.call('delete_schedule', { id: schedule })).toMatchObject({ data: { deleted: true } });
      expect(questions).toHaveLength(1);
      expect(await http.has(schedule)).toBe(false);
    } finally {
      await client.close();
    }
  });
});

describe.each(sdkClientNames.filter((name) => name !== 'v2 Client, auto'))('%s over HTTP', (name) => {
  it('is told of what somebody else changed, with a key that may only read, and not once it has unsubscribed', async () => {
    const client = await sdkClients[name](http.at(http.keys.viewer));
    const witness = await sdkClients[name](http.at(http.keys.viewer));
    try {
      const unsubscribe = await client.subscribe('skybackup://schedules');
      await http.newSchedule();
      await expect.poll(() => client.updates).toEqual(['skybackup://schedules']);
      expect(JSON.parse(await client.read('skybackup://schedules')).count).toBeGreaterThan(0);
      await unsubscribe();
      // Of the same key, so that the same look tells both.
      await witness.subscribe('skybackup://schedules');
      await http.newSchedule();
      await expect.poll(() => witness.updates).toEqual(['skybackup://schedules']);
      await client.read('skybackup://schedules');
      expect(client.updates).toEqual(['skybackup://schedules']);
    } finally {
      await witness.close();
      await client.close();
    }
  });
});

const reading = [
  'list_services',
  'list_backups',
  'show_backup',
  'check_backups',
  'list_storages',
  'find_transactions',
  'wait_for',
  'list_restores',
  'list_schedules',
  'preview_schedule',
  'get_retention',
];
const taking = ['create_backup', 'cancel_job', 'start_service', 'verify_backup'];
const destroying = ['restore_backup', 'delete_restore', 'delete_schedule', 'delete_backup', 'stop_service'];

describe.each(eras)("the role of a caller's key (%s)", (era) => {
  it.each([
    ['viewer', reading, [...taking, ...destroying]],
    ['operator', [...reading, ...taking], destroying],
    ['requester', [...reading, ...taking, ...destroying], []],
    ['administrator', [...reading, ...taking, ...destroying], []],
  ] as const)('%s decides which tools there are', async (role, there, missing) => {
    const client = await http.client(era, http.at(http.keys[role]));
    const { result } = await client.request('tools/list').answer;
    const names = z
      .array(z.looseObject({ name: z.string() }))
      .parse(result?.tools)
      .map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...there]));
    expect(names.filter((name) => (missing as readonly string[]).includes(name))).toEqual([]);
    for (const name of missing) {
      const refused = await client.call(name, { service: 'shop', id: 1 });
      expect(refused.error?.message ?? refused.text, name).toMatch(/not found|unknown tool/i);
    }
  });

  it('is what the daemon checks too: an operator starts a backup, and a viewer reads', async () => {
    const operator = await http.client(era, http.at(http.keys.operator));
    const started = await operator.call('create_backup', { service: 'shop' });
    expect(started.isError).toBe(false);
    const viewer = await http.client(era, http.at(http.keys.viewer));
    const waited = await viewer.call('wait_for', started.data.wait_for as Record<string, unknown>);
    expect(waited).toMatchObject({ data: { finished: true, outcome: 'done' } });
    // A weaker schedule takes a plan, and this role may not make one.
    const schedule = await http.newSchedule();
    const weaker = await operator.call('update_schedule', { id: schedule, suspended: true });
    expect(weaker).toMatchObject({ isError: true, data: { error: { code: 'forbidden' } } });
  });
});
