import { chmodSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { ownBackup, printedBackupId } from '../doubles/cloud-state.ts';
import { type Era, eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: RawClient[] = [];

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  cloud.state.backups.push(ownBackup(orders));
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

async function start(era: Era, env: Record<string, string> = {}, elicitation = true): Promise<RawClient> {
  const client = await RawClient.start(serverCommand(home.home, { ...cloudEnvironment(cloud), ...env }), era, {
    elicitation,
  });
  clients.push(client);
  return client;
}

const file = (): string => join(home.home, 'audit.jsonl');
const lines = (): Record<string, unknown>[] =>
  readFileSync(file(), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

function approveAtTerminal(typed_id: string): void {
  const store = openPlanStore(`${home.home}/plans.db`);
  store.approve(store.list()[0]?.id ?? '', { channel: 'terminal', typed_id });
  store.close();
}

describe.each(eras)('the audit of an MCP server (%s)', (era) => {
  it('has a line for each call that may change something, whatever became of it, and none for reads', async () => {
    const client = await start(era);
    await client.call('list_services', {});
    expect(existsSync(file())).toBe(false);
    await client.call('create_backup', { service: 'orders' });
    await client.call('create_backup', { service: 'nope' });
    await client.call('create_backup', { service: 'orders', bucket: 's3://evil' });
    await (await client.ask('delete_schedule', { id: 215 })).answer('decline');
    await (await client.ask('delete_schedule', { id: 215 })).answer('cancel');
    const restore = { service: 'orders', backup: printedBackupId };
    await (await client.ask('restore_backup', restore)).answer('accept', { typed_id: orders });
    await (await client.ask('delete_schedule', { id: 200 })).cancel();
    await client.call('list_services', {});

    const seen = lines();
    expect(seen.map(({ tool, outcome, code }) => [tool, outcome, code].filter(Boolean).join(' '))).toEqual([
      'create_backup done',
      'create_backup failed not_found',
      'create_backup failed invalid_request',
      'delete_schedule asked',
      'delete_schedule declined',
      'delete_schedule asked',
      'delete_schedule cancelled',
      'restore_backup asked',
      'restore_backup done',
      'delete_schedule asked',
      'delete_schedule cancelled',
    ]);
    for (const line of seen) {
      expect(line).toMatchObject({ time: expect.stringMatching(/^20.*Z$/), claimed_client: 'raw 1' });
      expect(line.ms).toBeTypeOf('number');
    }
    expect(seen[0]).toMatchObject({ arguments: { service_id: orders, backup_type: 'full' }, target: orders });
    expect(seen[1]).toMatchObject({ arguments: { service: 'nope' } });
    expect(seen[2]).toMatchObject({ arguments: { bucket: 's3://evil' } });
    expect(seen[8]).toMatchObject({
      plan: expect.stringMatching(/^[2-9A-Z]{4}-[2-9A-Z]{4}$/),
      channel: 'elicitation',
      target: orders,
      arguments: { service_id: orders, id: printedBackupId },
    });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(client.stderr).toBe('');
  });

  it('tells through which channel the yes came, and keeps the token of host mode to itself', async () => {
    const ask = await start(era, {}, false);
    await ask.call('delete_schedule', { id: 215 });
    approveAtTerminal('215');
    await ask.call('delete_schedule', { id: 215 });
    const host = await start(era, { SKYBACKUP_CONFIRM: 'host' });
    const { token } = (await host.call('delete_schedule', { id: 200 })).data.plan as { token: string };
    await host.call('delete_schedule', { id: 200, plan: token, wrong: 1 });
    await host.call('delete_schedule', { id: 200, plan: token });
    expect(lines().map(({ outcome, channel }) => [outcome, channel])).toEqual([
      ['needs_approval', undefined],
      ['done', 'terminal'],
      ['needs_approval', undefined],
      ['failed', undefined],
      ['done', 'host'],
    ]);
    expect(readFileSync(file(), 'utf8')).not.toContain(token);
  });

  it('a call does not fail for an audit that cannot be written: its line goes to stderr, and it is said why', async () => {
    symlinkSync('/dev/full', file());
    const full = await start(era);
    expect(await full.call('create_backup', { service: 'orders' })).toMatchObject({ isError: false });
    await expect.poll(() => full.stderr).toContain('"outcome":"done"');
    expect(full.stderr).toContain('skybackup: the audit cannot be written (ENOSPC');

    rmSync(file());
    writeFileSync(join(home.home, 'in-the-way'), '');
    const homeless = await start(era, { SKYBACKUP_HOME: join(home.home, 'in-the-way/home') });
    expect(await homeless.call('create_backup', { service: 'orders' })).toMatchObject({ isError: false });
    await expect.poll(() => homeless.stderr).toContain('"outcome":"done"');
    expect(homeless.stderr).toContain('ENOTDIR');
    expect(cloud.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });

  it('two servers of one home write into one file, line by line', async () => {
    const both = await Promise.all([start(era), start(era)]);
    await Promise.all(
      both.flatMap((client) => Array.from({ length: 10 }, () => client.call('create_backup', { service: 'orders' }))),
    );
    expect(lines()).toHaveLength(20);
  });

  it('arguments of a megabyte make a line of some kilobytes', async () => {
    const client = await start(era);
    const tables = Array.from({ length: 500 }, (_, n) => `shop.${n}${'\u202e'.repeat(50)}${'x'.repeat(250)}`);
    await client.call('create_backup', { service: 'A'.repeat(1_000_000) });
    await client.call('create_backup', { service: 'orders', tables });
    await client.call('create_backup', { service: 'orders', ['k'.repeat(1_000_000)]: 'v'.repeat(1_000_000) });
    const text = readFileSync(file(), 'utf8');
    expect(
      text
        .split('\n')
        .map((line) => line.length)
        .every((length) => length <= 8000),
    ).toBe(true);
    expect(text).not.toContain('\u202e');
    expect(lines()).toHaveLength(3);
  });
});

it('an audit that others may have read stays as its owner set it', async () => {
  writeFileSync(file(), '');
  chmodSync(file(), 0o640);
  await (await start('modern')).call('create_backup', { service: 'orders' });
  expect(statSync(file()).mode & 0o777).toBe(0o640);
});
