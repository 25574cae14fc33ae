import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { cloudEnvironment, newHome, serverCommand } from '../mcp/server-command.ts';
import { clientWithApps, type ShownApp, showTool, startBrowser } from './emulated-host.ts';
import { orders, seedDays } from './seeded-backups.ts';

/** For people to look at; nothing compares them. */
const pictures = resolve(import.meta.dirname, '../../.setup/pictures');
const source = 'dbtgf28216706';

let browser: Browser;
let cloud: CloudDouble;
let home: Awaited<ReturnType<typeof newHome>>;
let client: Client;
let shown: ShownApp | undefined;

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  browser = await startBrowser();
});
beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
  const env = { ...cloudEnvironment(cloud), SKYBACKUP_APP_CONFIRM: '1' };
  client = await clientWithApps(serverCommand(home.home, env));
});
afterEach(async () => {
  await shown?.close();
  shown = undefined;
  await client.close();
  await cloud.close();
  await home.remove();
});
afterAll(() => browser.close());

const looks = [
  { width: 320, theme: 'light' },
  { width: 320, theme: 'dark' },
  { width: 1100, theme: 'light' },
  { width: 1100, theme: 'dark' },
] as const;

async function picture(app: ShownApp, name: string): Promise<void> {
  // What lies outside of the window is not painted; the host has made the frame as high as its content by then.
  const height = (await app.page.locator('#sandbox').boundingBox())?.height ?? 700;
  await app.page.setViewportSize({
    width: app.page.viewportSize()?.width ?? 900,
    height: Math.min(1600, Math.ceil(height)),
  });
  await app.app.locator('html').evaluate((root) => root.scrollTo(0, 0));
  await app.page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** Nothing is cut off at the side, and no bar is needed to see it. */
async function overflow(app: ShownApp): Promise<number> {
  return app.app.locator('html').evaluate((root) => root.scrollWidth - root.clientWidth);
}

describe.each(looks)('$width px, $theme', ({ width, theme }) => {
  const look = `${width}-${theme}`;

  it('the timeline of 300 backups, with chains and failures', async () => {
    seedDays(cloud.state, 27);
    shown = await showTool(browser, client, 'show_backups', { service: orders }, { width, theme });
    const rows = shown.app.getByRole('table', { name: 'Backups' }).getByRole('row');
    await expect.poll(() => rows.count()).toBe(26);
    await expect.poll(() => shown?.app.locator('#status').textContent()).toBe('');
    // What is drawn later lies above: no line of a chain runs through the name of a lane.
    expect(await shown.app.locator('svg .chain ~ text').count()).toBe(5);
    expect(await overflow(shown)).toBe(0);
    await picture(shown, `timeline-many-${look}`);
  });

  it('the timeline of no backup at all, and of all services', async () => {
    shown = await showTool(browser, client, 'show_backups', { service: 'dbpgf17106534' }, { width, theme });
    await expect.poll(() => shown?.app.getByText('There are no backups yet.').count()).toBe(1);
    expect(await overflow(shown)).toBe(0);
    await picture(shown, `timeline-empty-${look}`);
    await shown.close();
    shown = await showTool(browser, client, 'show_backups', {}, { width, theme });
    await expect.poll(() => shown?.app.getByRole('button', { name: /^Timeline of/ }).count()).toBe(3);
    expect(await overflow(shown)).toBe(0);
    await picture(shown, `timeline-all-${look}`);
  });

  it('the plan of a restore, a wrong id, and what it says afterwards', async () => {
    const restore = { service: orders, backup: 'latest', source, safety_backup: false };
    shown = await showTool(browser, client, 'restore_backup', restore, { width, theme });
    const { app } = shown;
    await app.getByRole('textbox').fill('orders');
    await app.getByRole('button', { name: 'Approve' }).click();
    expect(await overflow(shown)).toBe(0);
    await picture(shown, `plan-wrong-${look}`);
    await app.getByRole('textbox').fill(orders);
    await app.getByRole('button', { name: 'Approve' }).click();
    await expect.poll(() => app.locator('body').innerText()).toContain('You approved plan');
    expect(await overflow(shown)).toBe(0);
    await picture(shown, `plan-approved-${look}`);
  });
});
