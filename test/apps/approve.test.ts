import type { CallToolResult, Client } from '@modelcontextprotocol/client';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { cloudEnvironment, newHome, serverCommand } from '../mcp/server-command.ts';
import { clientWithApps, inPage, type ShownApp, type ShowOptions, showTool, startBrowser } from './emulated-host.ts';
import { orders } from './seeded-backups.ts';

const restore = { service: orders, backup: 'latest', source: 'dbtgf28216706', safety_backup: false };

let browser: Browser;
let cloud: CloudDouble;
let home: Awaited<ReturnType<typeof newHome>>;
let client: Client;
let shown: ShownApp;

beforeAll(async () => {
  browser = await startBrowser();
});
beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
  const env = { ...cloudEnvironment(cloud), SKYBACKUP_APP_CONFIRM: '1' };
  client = await clientWithApps(serverCommand(home.home, env));
});
afterEach(async () => {
  await shown.close();
  await client.close();
  await cloud.close();
  await home.remove();
});
afterAll(() => browser.close());

const show = async (options?: ShowOptions): Promise<void> => {
  shown = await showTool(browser, client, 'restore_backup', restore, options);
};
const says = (): Promise<string> => shown.app.locator('main').innerText();

function restoresStarted(): number {
  return cloud.requests.filter(({ method, path }) => method === 'POST' && path === '/skybackup/v1/restores').length;
}

function plans() {
  const store = openPlanStore(`${home.home}/plans.db`);
  try {
    return store.list();
  } finally {
    store.close();
  }
}

it('by the keyboard alone: the plan is approved, the model is told, and the call repeated restores once', async () => {
  await show();
  const { page, app } = shown;
  await expect.poll(says).toContain('Replace ALL DATA');
  const field = app.getByRole('textbox');
  for (let tabs = 0; tabs < 4 && !(await isFocused('#typed')); tabs += 1) await page.keyboard.press('Tab');
  await page.keyboard.type(orders);
  await page.keyboard.press('Tab');
  expect(await isFocused('#approve')).toBe(true);
  expect(await outlineOf('#approve')).toBeGreaterThanOrEqual(2);
  await page.keyboard.press('Enter');
  await expect.poll(says).toContain('You approved plan');
  expect(await isFocused('#outcome')).toBe(true);
  expect(await field.count()).toBe(0);
  expect(restoresStarted()).toBe(0);
  expect(plans()).toMatchObject([{ status: 'approved', approved_by: 'app' }]);
  await expect.poll(() => shown.messages).toEqual([expect.stringContaining('Repeat the same call now')]);

  const done: CallToolResult = await client.callTool({ name: 'restore_backup', arguments: restore });
  expect(done).toMatchObject({ structuredContent: { wait_for: { kind: 'restore' } } });
  expect(restoresStarted()).toBe(1);
  await client.callTool({ name: 'restore_backup', arguments: restore });
  expect(restoresStarted()).toBe(1);
  // Its page, if the host shows another one for it, says what became of it.
  await shown.result(done);
  await expect.poll(says).toContain('has started');
  expect(shown.left).toEqual([]);
  expect(shown.errors).toEqual([]);

  async function isFocused(selector: string): Promise<boolean> {
    return app.locator(`${selector}:focus`).count().then(Boolean);
  }
  async function outlineOf(selector: string): Promise<number> {
    return app.locator(selector).evaluate(inPage<number>('return parseFloat(getComputedStyle(one).outlineWidth)'));
  }
});

it('a wrong id is refused with words, beside the field, and nothing leaves the page', async () => {
  await show();
  const { app } = shown;
  for (const wrong of ['', 'yes', 'dbtgf28216706', `${orders}x`]) {
    await app.getByRole('textbox').fill(wrong);
    await app.getByRole('textbox').press('Enter');
    expect(await app.getByRole('alert').innerText()).toContain(orders);
    expect(await app.getByRole('textbox').getAttribute('aria-invalid')).toBe('true');
  }
  expect(shown.calls).toEqual([]);
  expect(plans()).toMatchObject([{ status: 'pending' }]);
});

it('a no voids the plan', async () => {
  await show();
  await shown.app.getByRole('button', { name: 'Decline' }).click();
  await expect.poll(says).toContain('You declined plan');
  expect(plans()).toMatchObject([{ status: 'declined' }]);
  expect(shown.messages).toEqual([]);
});

it('impatience counts once', async () => {
  await show();
  const { app } = shown;
  await app.getByRole('textbox').fill(orders);
  await app.getByRole('button', { name: 'Approve' }).dblclick();
  await expect.poll(says).toContain('You approved plan');
  expect(shown.calls).toHaveLength(1);
});

it('a plan that has expired says so, and takes no answer any more', async () => {
  await show({ clock: true });
  await expect.poll(says).toContain('Valid for 10 more minutes');
  await shown.page.clock.runFor('10:30');
  await expect.poll(says).toContain('has expired: nothing was changed');
  expect(await shown.app.getByRole('textbox').count()).toBe(0);
});

it('a plan that was given up elsewhere is refused by the server, and the page says why', async () => {
  await show();
  const store = openPlanStore(`${home.home}/plans.db`);
  store.decline(store.list()[0]?.id ?? '', 'declined');
  store.close();
  await shown.app.getByRole('textbox').fill(orders);
  await shown.app.getByRole('button', { name: 'Approve' }).click();
  await expect.poll(says).toContain('was declined');
  expect(await says()).toContain('Nothing was changed');
});

it('an earlier page of the same plan does not count once it was asked anew', async () => {
  await show();
  await client.callTool({ name: 'restore_backup', arguments: restore });
  await shown.app.getByRole('textbox').fill(orders);
  await shown.app.getByRole('button', { name: 'Approve' }).click();
  await expect.poll(says).toContain('does not belong to the question that was asked last');
  expect(plans()).toMatchObject([{ status: 'pending' }]);
});

it('a host that takes no messages leaves it to the person to say so', async () => {
  await show({ messages: false });
  await shown.app.getByRole('textbox').fill(orders);
  await shown.app.getByRole('button', { name: 'Approve' }).click();
  await expect.poll(says).toContain('say in the conversation that you approved it');
  expect(shown.messages).toEqual([]);
});

it('a host that passes calls of pages on to nobody: the page says that nothing is known', async () => {
  await show({ calls: 'refuse' });
  await shown.app.getByRole('textbox').fill(orders);
  await shown.app.getByRole('button', { name: 'Approve' }).click();
  await expect.poll(() => shown.app.getByRole('alert').innerText()).toContain('not known whether it counts');
  expect(plans()).toMatchObject([{ status: 'pending' }]);
});

it('a host that never answers a call does not leave the page waiting for ever', async () => {
  await show({ calls: 'silent', clock: true });
  await shown.app.getByRole('textbox').fill(orders);
  await shown.app.getByRole('button', { name: 'Approve' }).click();
  await expect.poll(() => shown.calls.length).toBe(1);
  await shown.page.clock.runFor('01:05');
  await expect.poll(() => shown.app.getByRole('alert').innerText()).toContain('not known whether it counts');
});

it('a host that says nothing at all', async () => {
  await show({ mute: true, clock: true });
  await expect.poll(() => shown.sent).toContain('ui/initialize');
  expect(await says()).toContain('Waiting for the plan');
  await shown.page.clock.runFor('00:16');
  await expect.poll(says).toContain('The host has sent nothing to show.');
});
