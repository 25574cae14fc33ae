import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
});
afterEach(async () => {
  await cloud.close();
  await home.remove();
});

it('lives as long as its host wants on a stdin that holds no process, as in desktop programs that run servers inside themselves', async () => {
  // Lines come as messages of a channel that does not count as work.
  const shim = `
    import { PassThrough } from 'node:stream';
    const stdin = new PassThrough();
    Object.defineProperty(process, 'stdin', { value: stdin });
    process.on('message', (line) => (line === 'end' ? stdin.end() : stdin.write(line)));
    process.channel.unref();`;
  const { command, args, env } = serverCommand(home.home);
  const server = spawn(command, ['--import', `data:text/javascript,${encodeURIComponent(shim)}`, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(server, 'exit');
  const answers = createInterface({ input: server.stdout ?? Readable.from([]) })[Symbol.asyncIterator]();
  const ask = async (id: number, method: string, params: object): Promise<unknown> => {
    server.send(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    const { value } = await Promise.race([answers.next(), ended.then((exit) => ({ value: JSON.stringify(exit) }))]);
    return JSON.parse(value ?? 'null');
  };
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'desktop', version: '1' } };
  expect(await ask(1, 'initialize', hello)).toMatchObject({ id: 1, result: { serverInfo: { name: 'skybackup' } } });
  expect(await ask(2, 'tools/list', {})).toMatchObject({ id: 2, result: { tools: expect.any(Array) } });
  server.send('end');
  expect(await ended).toEqual([0, null]);
});

describe.each(eras)('the process (%s)', (era) => {
  it('does nothing at start: no file, no daemon, no request', async () => {
    const local = await RawClient.start(serverCommand(home.home), era);
    await local.request('tools/list').answer;
    await local.request('resources/list').answer;
    expect(await local.close()).toBe(0);
    expect(await readdir(home.home)).toEqual([]);

    const remote = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), era);
    await remote.request('tools/list').answer;
    expect(await remote.close()).toBe(0);
    expect(cloud.requests).toEqual([]);
  });

  it('ends when stdin ends, also while a person is asked and while something is awaited', async () => {
    const client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), era);
    await client.ask('delete_schedule', { id: 215 });
    const { data } = await client.call('create_backup', { service: 'orders' });
    void client.request('tools/call', { name: 'wait_for', arguments: { ...(data.wait_for as object), timeout: 45 } });
    await client.call('list_services', {});
    expect(await client.close()).toBe(0);
    expect(cloud.state.schedules.some(({ id }) => id === 215)).toBe(true);
  });

  it('writes nothing but protocol to stdout, and nothing to stderr, without secrets', async () => {
    const client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), era);
    await client.call('create_backup', { service: 'orders' });
    await client.call('create_backup', { service: 'nope' });
    await client.call('list_services', {});
    await (await client.ask('delete_schedule', { id: 215 })).answer('decline');
    client.notify('notifications/unheard-of');
    await client.call('no_such_tool', {});
    await client.close();
    for (const line of client.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    expect(client.stderr).toBe('');
    expect(client.lines.join()).not.toContain(cloud.key);
  });

  it('cancelling a wait ends it at once and leaves the work alone', async () => {
    const client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), era);
    const { data } = await client.call('create_backup', { service: 'orders' });
    const waiting = client.request('tools/call', { name: 'wait_for', arguments: { ...(data.wait_for as object) } });
    client.notify('notifications/cancelled', { requestId: waiting.id });
    const before = cloud.requests.length;
    await client.call('list_services', {});
    await client.call('list_services', {});
    expect(cloud.requests.length).toBeLessThanOrEqual(before + 4);
    expect(cloud.state.schedules.find(({ id }) => id === 253)?.status).toBe('Scheduled');
    await client.close();
  });
});
