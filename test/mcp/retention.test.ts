import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startCloudDouble } from '../doubles/cloud.ts';
import { type LocalDaemon, localDaemon } from './local-daemon.ts';
import { eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, serverCommand } from './server-command.ts';

let daemon: LocalDaemon;
beforeAll(async () => {
  daemon = await localDaemon();
  await daemon.cli(['services', 'add', 'shop', '--managed', '--no-nightly']);
});
afterAll(() => daemon.stop());

async function backUp(client: RawClient): Promise<string> {
  const started = await client.call('create_backup', { service: 'shop' });
  const ended = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
  return String(ended.data.backup_id);
}
const toolsOf = async (client: RawClient): Promise<string[]> => {
  const { result } = await client.request('tools/list').answer;
  return z
    .array(z.looseObject({ name: z.string() }))
    .parse(result?.tools)
    .map(({ name }) => name);
};

describe.each(eras)('retention and deleting through the tools (%s)', (era) => {
  it('what would go is told, keeping less needs a yes, keeping more does not', async () => {
    const client = await daemon.client(era);
    const old = await backUp(client);
    const last = await backUp(client);
    const before = await client.call('get_retention', { service: 'shop' });
    expect(before).toMatchObject({ isError: false, data: { service_id: 'shop', in_words: expect.any(String) } });

    const tried = await client.call('set_retention', { service: 'shop', keep_last: 1, dry_run: true });
    expect(tried.text).toContain('Nothing was changed');
    expect(tried.text).toContain(old);
    expect(tried.text).not.toContain(last);
    expect(tried.data).toMatchObject({ changed: false, stays_count: 1 });
    expect((await client.call('get_retention', { service: 'shop' })).data.policy).toEqual(before.data.policy);

    const asked = await client.ask('set_retention', { service: 'shop', keep_last: 1 });
    expect(asked.message).toContain(old);
    expect(asked.message).not.toContain(last);
    await asked.answer('decline');
    expect((await client.call('get_retention', { service: 'shop' })).data.policy).toEqual(before.data.policy);

    const again = await client.ask('set_retention', { service: 'shop', keep_last: 1 });
    expect(await again.answer('accept', { typed_id: 'shop' })).toMatchObject({
      data: { changed: true, policy: { keep_last: 1 } },
    });
    // Nothing goes before the next pass, so it can be undone: keeping more takes nothing away.
    const all = await client.call('set_retention', { service: 'shop', keep_everything: true });
    expect(all).toMatchObject({ isError: false, data: { changed: true, in_words: 'Keeps every backup.' } });
    expect(await client.call('list_backups', { id: old })).toMatchObject({ isError: false });
  });

  it('a backup is deleted only with a yes, and never the last good one', async () => {
    const client = await daemon.client(era);
    const old = await backUp(client);
    const last = await backUp(client);
    const guessed = await client.call('delete_backup', { id: 'latest' });
    expect(guessed).toMatchObject({ isError: true, data: { error: { code: 'invalid_request' } } });
    expect(guessed.text).not.toContain('or "latest"');
    expect(await client.call('delete_backup', { id: last })).toMatchObject({
      isError: true,
      data: { error: { code: 'conflict', message: expect.stringContaining('the last good backup') } },
    });
    const asked = await client.ask('delete_backup', { id: old });
    expect(asked.message).toContain(old);
    expect(await asked.answer('accept', { typed_id: old.slice(0, 8) })).toMatchObject({ data: { deleted: true } });
    expect(await client.call('list_backups', { id: old })).toMatchObject({ isError: true });
    const other = await client.ask('delete_backup', { id: (await backUp(client)) && last });
    expect(await other.answer('accept', { typed_id: 'shop' })).toMatchObject({
      data: { error: { code: 'plan_mismatch' } },
    });
    expect(await client.call('list_backups', { id: last })).toMatchObject({ isError: false });
  });
});

it('refusals say what to do', async () => {
  const client = await daemon.client('modern');
  for (const args of [{}, { keep_last: 1, keep_everything: true }, { max_age: 'soon' }, { max_size: '1 shed' }]) {
    const reply = await client.call('set_retention', { service: 'shop', ...args });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'invalid_request' } } });
  }
});

it('hidden services have no retention and no backups to delete; without writes only the reading tool is there', async () => {
  const all = await daemon.client('modern');
  const id = await backUp(all);
  const client = await daemon.client('modern', { SKYBACKUP_SERVICES: 'other' }, false);
  const replies = [
    await client.call('get_retention', { service: 'shop' }),
    await client.call('set_retention', { service: 'shop', keep_last: 1 }),
    await client.call('delete_backup', { id }),
  ];
  for (const { data } of replies) expect(data).toMatchObject({ error: { code: 'not_found' } });
  const reader = await toolsOf(await daemon.client('modern', { SKYBACKUP_READ_ONLY: '1' }));
  expect(reader).toContain('get_retention');
  for (const name of ['set_retention', 'delete_backup']) expect(reader).not.toContain(name);
});

it('the cloud, which has neither, is not offered them', async () => {
  const cloud = await startCloudDouble();
  const client = await RawClient.start(serverCommand(daemon.home, cloudEnvironment(cloud)), 'modern', {
    elicitation: false,
  });
  const tools = await toolsOf(client);
  await client.close();
  await cloud.close();
  expect(tools).toContain('list_backups');
  for (const name of ['get_retention', 'set_retention', 'delete_backup']) expect(tools).not.toContain(name);
});

describe('at the command line', () => {
  it('the retention is shown, tried and set', async () => {
    const client = await daemon.client('modern');
    const old = await backUp(client);
    const last = await backUp(client);
    await daemon.cli(['retention', 'shop', '--keep-everything']);
    expect(await daemon.cli(['retention', 'shop'])).toContain('shop: Keeps every backup.');
    const tried = await daemon.cli(['retention', 'shop', '--keep-last', '1', '--max-size', '50GB', '--dry-run']);
    expect(tried).toContain('Nothing was changed. shop would be: Keeps the last 1, together no larger than 50GB.');
    expect(tried).toContain(old);
    expect(tried).not.toContain(last);
    expect(JSON.parse(await daemon.cli(['retention', 'shop', '--json']))).toMatchObject({ policy: {} });
    const set = await daemon.cli(['retention', 'shop', '--daily', '7', '--max-age', '2w']);
    expect(set).toContain('shop: Keeps the newest of each of 7 days, no older than 2w.');
    expect(set).toContain('As of now the next pass deletes');
    expect(JSON.parse(await daemon.cli(['retention', 'shop', '--json']))).toMatchObject({
      policy: { daily: 7, max_age: '2w' },
    });
    expect(await daemon.cli(['backups', 'delete', old])).toBe(`Backup ${old} is deleted.`);
    await expect(daemon.cli(['backups', 'delete', last])).rejects.toThrow('it is the last good backup');
    await daemon.cli(['retention', 'shop', '--keep-everything']);
  });

  it.each([
    [['--keep-last', '0'], '--keep-last 0 is not a count'],
    [['--max-age', 'soon'], '--max-age must be a time'],
    [['--max-size', '5 loaves'], '--max-size must be a size'],
    [['--keep-everything', '--daily', '3'], '--keep-everything means'],
  ])('%j is refused', async (options, named) => {
    await expect(daemon.cli(['retention', 'shop', ...options])).rejects.toThrow(named);
  });
});
