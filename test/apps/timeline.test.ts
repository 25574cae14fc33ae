import type { Client } from '@modelcontextprotocol/client';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { cloudEnvironment, newHome, serverCommand } from '../mcp/server-command.ts';
import { clientWithApps, inPage, type ShownApp, type ShowOptions, showTool, startBrowser } from './emulated-host.ts';
import { orders, seedDays } from './seeded-backups.ts';

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
  seedDays(cloud.state, 27);
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

const show = async (args: Record<string, unknown>, options?: ShowOptions): Promise<void> => {
  shown = await showTool(browser, client, 'show_backups', args, options);
};
const status = (): Promise<string | null> => shown.app.locator('#status').textContent();
const says = (): Promise<string> => shown.app.locator('main').innerText();

describe('the timeline of a service', () => {
  it('shows every backup, its chains, failures, window and next runs, all of it read through the host', async () => {
    await show({ service: 'orders' });
    await expect.poll(status).toBe('');
    const { app } = shown;
    expect(shown.calls).toEqual(
      [1, 2, 3].map((page) => ({ name: 'read_timeline', arguments: { service: orders, page } })),
    );
    const of = (type: string): number =>
      cloud.state.backups.filter((each) => each.service_id === orders && each.type === type).length;
    const text = await app.locator('svg[role=img]').textContent();
    for (const type of ['full', 'incremental', 'dump', 'snapshot', 'binarylog'])
      expect(text).toContain(`${type} · ${of(type)}`);
    expect(await app.locator('svg path.chain').count()).toBe(21);
    expect(await app.locator('svg[role=img] .mark.failed').count()).toBe(6);
    expect(await app.locator('svg[role=img] .mark.next').count()).toBe(2);
    expect(await app.locator('svg rect.window').count()).toBe(1);
    expect(await says()).toMatch(/Recovery window\s+\d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    expect(await says()).toContain('8 of 8 in its chain');
    const more = app.getByRole('button', { name: /^Show more/ });
    while (await more.isVisible()) await more.click();
    expect(await app.getByRole('table', { name: 'Backups' }).getByRole('row').count()).toBe(268);
    expect(shown.left).toEqual([]);
    expect(shown.errors).toEqual([]);
  });

  it('shows less time when asked to, by the keyboard too', async () => {
    await show({ service: orders });
    await expect.poll(status).toBe('');
    const marks = shown.app.locator('svg[role=img] .mark.full');
    expect(await marks.count()).toBe(21);
    await shown.app.getByRole('radio', { name: 'all' }).focus();
    await shown.page.keyboard.press('ArrowUp');
    await shown.page.keyboard.press('ArrowUp');
    expect(await shown.app.getByRole('radio', { name: '1 week' }).isChecked()).toBe(true);
    await expect.poll(() => marks.count()).toBe(5);
  });

  it('shows what the answer itself holds where the host lets pages call nothing', async () => {
    await show({ service: orders }, { calls: 'refuse' });
    await expect.poll(status).toContain('did not let this page read all backups');
    expect(await says()).toContain('Newest good backup');
    expect(await shown.app.getByRole('row', { name: /incremental/ }).count()).toBe(1);
    expect(await shown.app.locator('svg[role=img] .mark.failed').count()).toBe(2);
  });

  it('says when the service fails in between', async () => {
    await show({ service: orders }, { calls: 'refuse' });
    await expect.poll(status).toContain('did not let');
    await shown.result({
      isError: true,
      content: [{ type: 'text', text: 'The service did not answer. [unavailable]' }],
    });
    await expect.poll(status).toContain('The service did not answer.');
  });
});

describe('the timeline of all services', () => {
  it('lists them worst first and opens one, and goes back', async () => {
    await show({});
    const { app } = shown;
    await expect.poll(() => app.getByRole('table', { name: 'Services' }).getByRole('row').count()).toBe(4);
    await app.getByRole('button', { name: `Timeline of ${orders}` }).press('Enter');
    await expect.poll(status).toBe('');
    expect(await app.getByRole('heading', { level: 1 }).innerText()).toContain(orders);
    expect(await app.getByRole('combobox', { name: 'Service' }).evaluate((one) => one.matches(':focus'))).toBe(true);
    await app.getByRole('combobox', { name: 'Service' }).selectOption('');
    expect(await app.getByRole('table', { name: 'Services' }).isVisible()).toBe(true);
  });
});

describe('looks', () => {
  const colours = { back: '--color-background-primary', text: '--color-text-primary' } as const;

  it.each([
    ['as the host says, against the browser', { theme: 'dark', colorScheme: 'light' }, 'dark'],
    ['as the host says, against the browser', { theme: 'light', colorScheme: 'dark' }, 'light'],
    ['as the browser prefers where the host says nothing', { colorScheme: 'dark' }, 'dark'],
  ] as const)('%s: %j', async (_name, options, wanted) => {
    await show({ service: orders }, options);
    const light = async (): Promise<boolean> =>
      shown.app
        .locator('body')
        .evaluate(inPage<boolean>('return getComputedStyle(one).backgroundColor.includes("255")'));
    await expect.poll(light).toBe(wanted === 'light');
  });

  it('in the host’s colours when it gives the pair, and never in half of it', async () => {
    const back = (): Promise<string> =>
      shown.app.locator('body').evaluate(inPage<string>('return getComputedStyle(one).backgroundColor'));
    const context = (variables: Record<string, string>) => ({ context: { styles: { variables } } }) as ShowOptions;
    await show(
      { service: orders },
      context({ [colours.back]: 'rgb(250, 240, 230)', [colours.text]: 'rgb(20, 20, 20)' }),
    );
    await expect.poll(back).toBe('rgb(250, 240, 230)');
    await shown.close();
    await show({ service: orders }, context({ [colours.back]: 'rgb(1, 2, 3)' }));
    await expect.poll(says).toContain('Newest good backup');
    expect(await back()).toBe('rgb(255, 255, 255)');
  });
});

describe.each(['light', 'dark'] as const)('for people who do not see it, or not well (%s)', (theme) => {
  /** Of every text that is seen, its colour against what is behind it. */
  const contrasts = inPage<{ text: string; ratio: number }[]>(`
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = ([r, g, b]) => { const f = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
    const behind = (one) => { for (; one; one = one.parentElement) { const c = rgb(getComputedStyle(one).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
    return [...one.querySelectorAll('*')].filter((one) => one.checkVisibility() && [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((one) => {
      const style = getComputedStyle(one);
      const [a, b] = [light(rgb(one.namespaceURI.endsWith('svg') ? style.fill : style.color)), light(behind(one))];
      return { text: one.textContent.slice(0, 40), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) };
    });`);

  it.each([
    ['show_backups', { service: orders }],
    ['show_backups', {}],
    ['restore_backup', { service: orders, backup: 'latest', source: 'dbtgf28216706', safety_backup: false }],
  ])(
    '%s %j: every control has a name, every text enough contrast, and the drawing is said in words',
    async (tool, args) => {
      shown = await showTool(browser, client, tool, args, { theme });
      await expect.poll(says).toMatch(/Newest good backup|Replace ALL DATA/);
      const { app } = shown;
      const tree = await app.locator('body').ariaSnapshot();
      expect(tree).toMatch(/heading "[^"]{5,}/);
      expect(
        tree.match(/- (button|textbox|combobox|radio|img|table|row|columnheader)(?!group)(?! ?")[^\n]*/g) ?? [],
      ).toEqual([]);
      if (tool === 'restore_backup') {
        expect(tree).toContain(`textbox "Type ${orders} to approve"`);
        expect(tree).toContain('button "Approve"');
        expect(tree).toContain('button "Decline"');
        expect(tree).toContain('region "Lost"');
      } else expect(tree).toContain('table "');
      const weak = await app.locator('body').evaluate(contrasts);
      expect(weak.length).toBeGreaterThan(10);
      expect(weak.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
    },
  );
});
