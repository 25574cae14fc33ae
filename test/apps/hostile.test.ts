import type { Client } from '@modelcontextprotocol/client';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { cloudEnvironment, newHome, serverCommand } from '../mcp/server-command.ts';
import { clientWithApps, type ShownApp, showAnswer, showTool, startBrowser } from './emulated-host.ts';
import { backupOf, orders } from './seeded-backups.ts';

const hostile = {
  markup: '<img src=http://evil.test/x onerror="globalThis.pwned=1"><b>bold</b>',
  script: '</title></style><script>globalThis.pwned=1;fetch("http://evil.test/")</script>',
  link: '"><a href="javascript:globalThis.pwned=1">click</a><iframe src="http://evil.test/"></iframe>',
  bidi: '\u202egnitseretni\u2066 \u200bzero',
  long: `start ${'x'.repeat(1_000_000)}`,
};

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

/** Whether anything but our own elements came to be, ran, or asked for something. */
async function harm(): Promise<unknown> {
  const { app, left, errors } = shown;
  const found = app.locator('html');
  return {
    pwned: await found.evaluate(() => (globalThis as { pwned?: number }).pwned ?? 0),
    elements: await app.locator('img, iframe, a, b, object, body script ~ script').count(),
    width: await found.evaluate((root) => root.scrollWidth - root.clientWidth),
    left,
    errors,
  };
}
const none = { pwned: 0, elements: 0, width: 0, left: [], errors: [] };

describe.each(Object.entries(hostile))('names of others: %s', (_name, text) => {
  it('are text in the timeline, through the real server', async () => {
    const service = cloud.state.services.find(({ id }) => id === orders);
    if (service) service.name = text;
    cloud.state.backups.push(backupOf(1, 5, 'full', { server_pod: 'orders-0', status: `Failed ${text}` }));
    cloud.state.backups.push(backupOf(2, 2, text.slice(0, 5000)));
    shown = await showTool(browser, client, 'show_backups', { service: orders }, { width: 320 });
    const rows = shown.app.getByRole('table', { name: 'Backups' }).getByRole('row');
    await expect.poll(() => rows.count()).toBe(3);
    await expect.poll(() => shown.app.locator('#status').textContent()).toBe('');
    expect(await harm()).toEqual(none);
  });

  it('are text in a plan, even where the server had cleaned nothing', async () => {
    const plan = {
      code: 'K7QM-29XD',
      expires: '2999-01-01 00:00:00 UTC',
      title: text,
      confirm_id: text.slice(0, 300),
      replaced: text,
      replaced_by: text,
      lost: [text, text],
      warnings: [text],
      undo: text,
    };
    const answer = {
      content: [{ type: 'text' as const, text }],
      structuredContent: { status: 'needs_approval', plan, approve_with: text },
      _meta: { 'skybackup/approval': { plan: text, nonce: text } },
    };
    shown = await showAnswer(browser, client, 'ui://skybackup/plan.html', {}, answer, { width: 320 });
    await expect.poll(() => shown.app.locator('h1').textContent()).toContain(text.slice(0, 20));
    expect((await shown.app.locator('body').innerText()).length).toBeLessThan(20_000);
    expect(await harm()).toEqual(none);
  });

  it('are text in the words of an answer without a plan', async () => {
    const answer = { isError: true, content: [{ type: 'text' as const, text }], structuredContent: {} };
    for (const page of ['plan', 'timeline']) {
      shown = await showAnswer(browser, client, `ui://skybackup/${page}.html`, {}, answer, { width: 320 });
      await expect.poll(() => shown.app.locator('body').innerText()).toContain(text.slice(0, 5));
      expect(await harm()).toEqual(none);
      if (page === 'plan') await shown.close();
    }
  });
});

it('what gets into a page by other ways can neither run nor load, by the page’s own policy', async () => {
  shown = await showTool(browser, client, 'show_backups', {});
  await expect.poll(() => shown.app.getByRole('row').count()).toBeGreaterThan(1);
  // As a flaw in the page would.
  await shown.app.locator('main').evaluate((main) => {
    main.innerHTML =
      '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" onerror="globalThis.pwned=1" onload="globalThis.pwned=1">';
    const script = main.ownerDocument.createElement('script');
    script.textContent = 'globalThis.pwned=1';
    main.append(script);
  });
  await expect.poll(() => shown.errors.join('\n')).toContain('Content Security Policy');
  expect(await shown.app.locator('html').evaluate(() => (globalThis as { pwned?: number }).pwned ?? 0)).toBe(0);
  expect(shown.left).toEqual([]);
});
