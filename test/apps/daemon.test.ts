import type { Client } from '@modelcontextprotocol/client';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type LocalDaemon, localDaemon } from '../mcp/local-daemon.ts';
import { newHome, serverCommand } from '../mcp/server-command.ts';
import { clientWithApps, type ShownApp, showTool, startBrowser } from './emulated-host.ts';

let browser: Browser;
let daemon: LocalDaemon;
let elsewhere: Awaited<ReturnType<typeof newHome>>;
let url: string;
let client: Client | undefined;
let shown: ShownApp | undefined;

/** Takes a backup as a model would, and waits until it is done. */
async function backUp(type: string): Promise<void> {
  const { wait_for } = JSON.parse(
    await daemon.cli(['call', 'create_backup', JSON.stringify({ service: 'shop', type }), '--json']),
  );
  let status: string;
  do {
    ({ status } = JSON.parse(await daemon.cli(['call', 'wait_for', JSON.stringify(wait_for), '--json'])));
  } while (status === 'Scheduled' || status === 'Running');
  expect(status).toBe('Succeeded');
}

beforeAll(async () => {
  browser = await startBrowser();
  daemon = await localDaemon();
  elsewhere = await newHome();
  url = await daemon.listen();
  await daemon.cli(['services', 'add', 'shop', '--managed']);
  for (const type of ['full', 'incremental', 'incremental']) {
    await daemon.sql('shop', `CREATE SCHEMA IF NOT EXISTS s; CREATE TABLE s.t${Date.now()} (id INT PRIMARY KEY)`);
    await backUp(type);
  }
});
afterEach(async () => {
  await shown?.close();
  await client?.close();
  shown = client = undefined;
});
afterAll(async () => {
  await browser.close();
  await daemon.stop();
  await elsewhere.remove();
});

const says = async (): Promise<string> => (await shown?.app.locator('main').innerText()) ?? '';

it('the timeline of a real server: its chain, and its nightly run to come', async () => {
  client = await clientWithApps(daemon.mcp());
  shown = await showTool(browser, client, 'show_backups', { service: 'shop' });
  await expect.poll(() => shown?.app.locator('#status').textContent()).toBe('');
  const words = await says();
  expect(words).toContain('begins a chain of 3');
  expect(words).toContain('2 of 3 in its chain');
  expect(words).toContain('3 of 3 in its chain');
  expect(await shown.app.locator('svg path.chain').count()).toBe(1);
  expect(words).toMatch(/Next run\s+\d{4}-\d\d-\d\d/);
  expect(shown.errors).toEqual([]);
});

it('a schedule of a real daemon is deleted once, after the page said yes', async () => {
  client = await clientWithApps(daemon.mcp({ SKYBACKUP_APP_CONFIRM: '1' }));
  const made = await daemon.cli(['call', 'create_schedule', '{"service":"shop","cron":"0 3 * * *"}', '--json']);
  const { id } = JSON.parse(made);
  shown = await showTool(browser, client, 'delete_schedule', { id });
  await shown.app.getByRole('textbox').fill(String(id));
  await shown.app.getByRole('textbox').press('Enter');
  await expect.poll(says).toContain('You approved plan');
  const plans = await daemon.cli(['plans', 'list', '--json']);
  expect(plans).toMatch(/"approved_by": ?"app"/);
  const first = await client.callTool({ name: 'delete_schedule', arguments: { id } });
  expect(first).toMatchObject({ structuredContent: { deleted: true } });
  expect(await client.callTool({ name: 'delete_schedule', arguments: { id } })).toMatchObject({ isError: true });
});

it('a key that may plan and not approve is not helped by a page, which names who may', async () => {
  const key = (await daemon.cli(['keys', 'create', '--role', 'requester'])).trim();
  const env = { SKYBACKUP_URL: url, SKYBACKUP_API_KEY: key, SKYBACKUP_APP_CONFIRM: '1' };
  client = await clientWithApps(serverCommand(elsewhere.home, env));
  const { schedules } = JSON.parse(await daemon.cli(['call', 'list_schedules', '{}', '--json']));
  const { id } = schedules[0];
  shown = await showTool(browser, client, 'delete_schedule', { id });
  await shown.app.getByRole('textbox').fill(String(id));
  await shown.app.getByRole('button', { name: 'Approve' }).click();
  await expect.poll(says).toContain('administrator');
  expect(await says()).toContain('Nothing was changed');
  // From now on no page asks in vain.
  const again = await client.callTool({ name: 'delete_schedule', arguments: { id } });
  expect(again._meta?.['skybackup/approval']).toBeUndefined();
  expect(JSON.parse(await daemon.cli(['call', 'list_schedules', JSON.stringify({ id }), '--json'])).count).toBe(1);
});
