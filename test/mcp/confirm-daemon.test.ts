import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalDaemon, localDaemon } from './local-daemon.ts';
import { eras, RawClient } from './raw-client.ts';
import { newHome, serverCommand } from './server-command.ts';

let daemon: LocalDaemon;
let url: string;
let elsewhere: { home: string; remove: () => Promise<void> };
let schedule: number;
const clients: RawClient[] = [];

beforeAll(async () => {
  daemon = await localDaemon();
  elsewhere = await newHome();
  url = await daemon.listen();
  await daemon.cli(['services', 'add', 'shop', '--managed', '--no-nightly']);
});
beforeEach(async () => {
  const made = await daemon.cli(['call', 'create_schedule', '{"service":"shop","cron":"0 3 * * *"}', '--json']);
  schedule = JSON.parse(made).id;
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  await daemon.stop();
  await elsewhere.remove();
});

async function start(era: 'legacy' | 'modern', command: ReturnType<typeof serverCommand>): Promise<RawClient> {
  const client = await RawClient.start(command, era);
  clients.push(client);
  return client;
}

async function exists(): Promise<boolean> {
  return daemon.cli(['call', 'list_schedules', JSON.stringify({ id: schedule })]).then(
    () => true,
    () => false,
  );
}

const codeOf = (data: Record<string, unknown>): string => (data.plan as { code: string }).code;

describe.each(eras)('SKYBACKUP_CONFIRM=strict with a daemon (%s)', (era) => {
  it('asks no form, takes no yes of the same user, and carries out what another key approved', async () => {
    const client = await start(era, daemon.mcp({ SKYBACKUP_CONFIRM: 'strict' }));
    const first = await client.call('delete_schedule', { id: schedule });
    expect(first).toMatchObject({ isError: false, data: { status: 'needs_approval' } });
    expect(first.text).toContain('approver key');

    await daemon.cli(['approve', codeOf(first.data), '--confirm', String(schedule)]);
    const second = await client.call('delete_schedule', { id: schedule });
    expect(second).toMatchObject({ data: { status: 'needs_approval' } });
    expect(await exists()).toBe(true);

    const keyFile = `${daemon.home}/approver.key`;
    await writeFile(keyFile, await daemon.cli(['keys', 'create', '--role', 'administrator']), { mode: 0o600 });
    await daemon.cli(['approve', codeOf(second.data), '--confirm', String(schedule), '--key-file', keyFile]);
    expect(await client.call('delete_schedule', { id: schedule })).toMatchObject({ data: { deleted: true } });
    expect(await exists()).toBe(false);
  });
});

describe.each(eras)('a server whose key may plan and not approve (%s)', (era) => {
  it('is not helped by a typed id: it names who may approve, and carries out once they did', async () => {
    const key = (await daemon.cli(['keys', 'create', '--role', 'requester'])).trim();
    const client = await start(era, serverCommand(elsewhere.home, { SKYBACKUP_URL: url, SKYBACKUP_API_KEY: key }));
    const asking = await client.ask('delete_schedule', { id: schedule });
    const reply = await asking.answer('accept', { typed_id: String(schedule) });
    expect(reply).toMatchObject({ isError: false, data: { status: 'needs_approval', changed: false } });
    expect(await exists()).toBe(true);
    // From now on it does not ask in vain.
    const again = await client.call('delete_schedule', { id: schedule });
    expect(again).toMatchObject({ data: { status: 'needs_approval' } });
    await daemon.cli(['approve', codeOf(again.data), '--confirm', String(schedule)]);
    expect(await client.call('delete_schedule', { id: schedule })).toMatchObject({ data: { deleted: true } });
    expect(JSON.stringify([reply, again]) + client.stderr).not.toContain(key);
  });
});
