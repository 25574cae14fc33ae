import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { sdkClientNames, sdkClients } from './sdk-clients.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const readTools = [
  'list_services',
  'list_backups',
  'check_backups',
  'show_backups',
  'list_storages',
  'wait_for',
  'list_restores',
  'list_schedules',
  'preview_schedule',
];
const allTools = [
  ...readTools,
  'create_backup',
  'restore_backup',
  'create_schedule',
  'update_schedule',
  'delete_schedule',
  'delete_restore',
  'start_service',
  'stop_service',
];

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };

beforeAll(async () => {
  cloud = await startCloudDouble();
  home = await newHome();
});
afterAll(async () => {
  await cloud.close();
  await home.remove();
});

describe.each(sdkClientNames)('%s', (name) => {
  it('lists the tools with titles, schemas and hints, and the instructions', async () => {
    const client = await sdkClients[name](serverCommand(home.home, cloudEnvironment(cloud)));
    try {
      const tools = await client.tools();
      expect(tools.map((tool) => tool.name).sort()).toEqual([...allTools].sort());
      expect(
        tools
          .filter(({ annotations }) => annotations.readOnlyHint)
          .map((tool) => tool.name)
          .sort(),
      ).toEqual([...readTools].sort());
      expect(
        tools
          .filter(({ annotations }) => annotations.destructiveHint)
          .map((tool) => tool.name)
          .sort(),
      ).toEqual(['delete_restore', 'delete_schedule', 'restore_backup', 'stop_service', 'update_schedule']);
      expect(client.instructions()).toContain('approval of a person');
    } finally {
      await client.close();
    }
  });

  it('takes a backup, waits for it, and restores after a yes', async () => {
    const questions: string[] = [];
    const client = await sdkClients[name](serverCommand(home.home, cloudEnvironment(cloud)), (message) => {
      questions.push(message);
      return { action: 'accept', content: { typed_id: 'dbtgf28044362' } };
    });
    try {
      // Schemas are known from here on, so that the client checks every structured answer against them.
      await client.tools();
      const started = await client.call('create_backup', { service: 'orders' });
      const waited = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
      expect(waited).toMatchObject({ isError: false, data: { finished: true, outcome: 'done' } });

      const restore = await client.call('restore_backup', { service: 'orders', backup: String(waited.data.backup_id) });
      expect(questions).toHaveLength(1);
      const after = await client.call('wait_for', restore.data.wait_for as Record<string, unknown>);
      expect(after).toMatchObject({ data: { finished: true, service_status: 'stopped' } });
      expect(after.text).toContain('start_service');
      expect(await client.call('start_service', { service: 'orders' })).toMatchObject({ isError: false });
      expect(await client.call('list_services', { service: 'orders' })).toMatchObject({
        data: { services: [{ status: 'ready' }] },
      });
    } finally {
      await client.close();
    }
  });

  it('waits with progress, and is asked to call again when the time is over', async () => {
    const slow = await startCloudDouble({ advance: false });
    const client = await sdkClients[name](serverCommand(home.home, cloudEnvironment(slow)));
    try {
      const started = await client.call('create_backup', { service: 'orders' });
      const messages: string[] = [];
      const args = { ...(started.data.wait_for as Record<string, unknown>), timeout: 1 };
      const waited = await client.call('wait_for', args, (message) => messages.push(message));
      expect(waited).toMatchObject({ isError: false, data: { finished: false, status: 'Scheduled' } });
      expect(waited.data.next).toContain('Call wait_for again with {"kind":"backup","id":253}');
      expect(messages[0]).toBe('backup of dbtgf28044362 (schedule 253): Scheduled');
    } finally {
      await client.close();
      await slow.close();
    }
  });

  it('cancels a wait: the work goes on, and the server answers as before', async () => {
    const slow = await startCloudDouble({ advance: false });
    const client = await sdkClients[name](serverCommand(home.home, cloudEnvironment(slow)));
    try {
      const started = await client.call('create_backup', { service: 'orders' });
      const stop = new AbortController();
      // Cancelled in the middle: the first progress tells that it waits.
      const waiting = client.call(
        'wait_for',
        started.data.wait_for as Record<string, unknown>,
        () => stop.abort(new Error('the person pressed stop')),
        stop.signal,
      );
      await expect(waiting).rejects.toThrow(/pressed stop/);
      expect(await client.call('list_schedules', { id: 253 })).toMatchObject({ isError: false });
      expect(slow.state.schedules.find(({ id }) => id === 253)?.status).toBe('Scheduled');
    } finally {
      await client.close();
      await slow.close();
    }
  });

  it('leaves everything as it is when the person declines', async () => {
    const client = await sdkClients[name](serverCommand(home.home, cloudEnvironment(cloud)), () => ({
      action: 'decline',
    }));
    try {
      const declined = await client.call('delete_schedule', { id: 215 });
      expect(declined.data).toMatchObject({ status: 'declined' });
      expect(cloud.state.schedules.some(({ id }) => id === 215)).toBe(true);
    } finally {
      await client.close();
    }
  });

  it('gets errors as results that say what to do', async () => {
    const client = await sdkClients[name](serverCommand(home.home, cloudEnvironment(cloud)));
    try {
      await client.tools();
      const unknown = await client.call('list_backups', { servce: 'orders' });
      expect(unknown).toMatchObject({ isError: true, data: { error: { code: 'invalid_request', retryable: false } } });
      expect(unknown.text).toContain('"servce"');
      expect(unknown.text).toContain('service, id, limit, cursor');
      const missing = await client.call('create_backup', { service: 'nope' });
      expect(missing).toMatchObject({ isError: true, data: { error: { code: 'not_found' } } });
      expect(missing.text).toContain('dbtgf28044362');
    } finally {
      await client.close();
    }
  });

  it('reads resources and completes service ids', async () => {
    const client = await sdkClients[name](serverCommand(home.home, cloudEnvironment(cloud)));
    try {
      const ofOne = JSON.parse(await client.read('skybackup://backups/dbtgf28216706'));
      expect(ofOne.backups[0].id).toBe('eda3b72460c8c0d9d61a7f01b6a22e32:dbtgf28216706:tx-filip-mdb-ms-0');
      expect(JSON.parse(await client.read('skybackup://backups')).count).toBeGreaterThan(0);
      const { schedules } = JSON.parse(await client.read('skybackup://schedules'));
      expect(JSON.stringify(schedules)).toContain('At 02:00');
      expect(await client.complete('dbtgf280')).toEqual(['dbtgf28044362']);
      await expect(client.read('skybackup://backups/nope')).rejects.toThrow(/no service nope/);
    } finally {
      await client.close();
    }
  });
});
