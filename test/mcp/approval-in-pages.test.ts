import { readFile } from 'node:fs/promises';
import { EXTENSION_ID, RESOURCE_MIME_TYPE } from '@modelcontextprotocol/ext-apps/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { appsExtension, pageType } from '../../src/mcp/apps/shows-apps.ts';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { type Era, eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: RawClient[] = [];

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

const on = { SKYBACKUP_APP_CONFIRM: '1' };
const pageTools = ['approve_plan', 'decline_plan'];
const args = { id: 215 };
const deleted = (): boolean => !cloud.state.schedules.some(({ id }) => id === 215);

async function start(
  era: Era,
  env: Record<string, string>,
  { apps = true, elicitation = false } = {},
): Promise<RawClient> {
  const server = serverCommand(home.home, { ...cloudEnvironment(cloud), ...env });
  const client = await RawClient.start(server, era, { elicitation, apps });
  clients.push(client);
  return client;
}

const Listed = z.array(z.looseObject({ name: z.string(), _meta: z.looseObject({}).optional() }));

async function listed(client: RawClient): Promise<z.infer<typeof Listed>> {
  return Listed.parse((await client.request('tools/list').answer).result?.tools);
}

const ForPage = z.looseObject({ 'skybackup/approval': z.object({ plan: z.string(), nonce: z.string() }) });

/** The call as a host makes it: what is for the page, and all else that it answered. */
async function plan(client: RawClient): Promise<{ code: string; nonce: string; seen: string; next: unknown }> {
  const { result } = await client.request('tools/call', { name: 'delete_schedule', arguments: args }).answer;
  const { _meta, ...seen } = z.looseObject({ _meta: ForPage }).parse(result);
  const { plan: code, nonce } = _meta['skybackup/approval'];
  return { code, nonce, seen: JSON.stringify(seen), next: seen };
}

it('the names of the extension are those of its library', () => {
  expect([appsExtension, pageType]).toEqual([EXTENSION_ID, RESOURCE_MIME_TYPE]);
});

describe.each(eras)('approval in pages (%s)', (era) => {
  it('marks the plan with id and nonce, and the call repeated carries it out once', async () => {
    const client = await start(era, on);
    const { code, nonce, seen } = await plan(client);
    expect(seen).toContain('needs_approval');
    expect(seen).toContain('in the page');
    const reply = await client.call('approve_plan', { code, nonce, typed_id: '215' });
    expect(reply).toMatchObject({ isError: false, data: { status: 'approved', channel: 'app' } });
    expect(deleted()).toBe(false);
    expect(await client.call('delete_schedule', args)).toMatchObject({ data: { deleted: true } });
    expect(deleted()).toBe(true);
    expect(await client.call('approve_plan', { code, nonce, typed_id: '215' })).toMatchObject({ isError: true });
    const audit = await readFile(`${home.home}/audit.jsonl`, 'utf8');
    expect(audit).toMatch(/"tool":"approve_plan".*"outcome":"done"/);
    expect(audit).toMatch(/"tool":"delete_schedule".*"channel":"app".*"outcome":"done"/);
  });

  it('tells the nonce to nobody but the page', async () => {
    const client = await start(era, on);
    const { code, nonce, seen } = await plan(client);
    await client.call('approve_plan', { code, nonce, typed_id: '215' });
    expect(seen).not.toContain(nonce);
    await client.call('approve_plan', { code, nonce, typed_id: 'wrong', more: 1 });
    expect(client.stderr + (await readFile(`${home.home}/audit.jsonl`, 'utf8'))).not.toContain(nonce);
    const again = await client.call('delete_schedule', args);
    expect(JSON.stringify(again)).not.toContain(nonce);
  });

  it('of a model that calls the tool itself is refused: without nonce, with a wrong one, with an old one', async () => {
    const client = await start(era, on);
    const first = await plan(client);
    const second = await plan(client);
    expect(second.code).toBe(first.code);
    const { code } = second;
    expect(await client.call('approve_plan', { code, typed_id: '215' })).toMatchObject({
      isError: true,
      data: { error: { code: 'invalid_request' } },
    });
    for (const nonce of ['x'.repeat(43), first.nonce]) {
      expect(await client.call('approve_plan', { code, nonce, typed_id: '215' })).toMatchObject({
        isError: true,
        data: { error: { code: 'plan_mismatch' } },
      });
    }
    expect(await client.call('delete_schedule', args)).toMatchObject({ data: { status: 'needs_approval' } });
    expect(deleted()).toBe(false);
  });

  it('needs the id of the target, and the nonce of this very plan', async () => {
    const client = await start(era, on);
    const { code, nonce } = await plan(client);
    const other = await client.request('tools/call', { name: 'delete_schedule', arguments: { id: 200 } }).answer;
    const theirs = ForPage.parse(other.result?._meta)['skybackup/approval'];
    for (const wrong of [
      { code: theirs.plan, nonce, typed_id: '200' },
      { code, nonce: theirs.nonce, typed_id: '215' },
      { code, nonce, typed_id: '200' },
      { code, nonce, typed_id: '' },
    ])
      expect(await client.call('approve_plan', wrong)).toMatchObject({ isError: true });
    expect(cloud.state.schedules).toHaveLength(2);
    const store = openPlanStore(`${home.home}/plans.db`);
    expect(store.list().map(({ status }) => status)).toEqual(['pending', 'pending']);
    store.close();
  });

  it('of a plan for a hidden service does not exist, nor does its no', async () => {
    const { code, nonce } = await plan(await start(era, on));
    const elsewhere = await start(era, { ...on, SKYBACKUP_SERVICES: 'dbtgf28216706' });
    const typed_id = '215';
    for (const [tool, more] of [
      ['approve_plan', { nonce, typed_id }],
      ['approve_plan', { nonce, typed_id: 'wrong' }],
      ['decline_plan', {}],
    ] as const) {
      const hidden = await elsewhere.call(tool, { code, ...more });
      const unknown = await elsewhere.call(tool, { code: 'ABCD-EFGH', ...more });
      expect(hidden).toMatchObject({ isError: true, data: { error: { code: 'plan_expired' } } });
      expect(hidden).toEqual(unknown);
    }
  });

  it('is void after a no', async () => {
    const client = await start(era, on);
    const { code, nonce } = await plan(client);
    expect(await client.call('decline_plan', { code })).toMatchObject({ data: { status: 'declined' } });
    expect(await client.call('approve_plan', { code, nonce, typed_id: '215' })).toMatchObject({
      isError: true,
      data: { error: { code: 'plan_used' } },
    });
    expect(deleted()).toBe(false);
  });

  it('comes after the form, which is asked first, and only when that went unanswered', async () => {
    const client = await start(era, on, { elicitation: true });
    for (let i = 0; i < 2; i += 1) await (await client.ask('delete_schedule', args)).cancel();
    const { code, nonce } = await plan(client);
    expect(await client.call('approve_plan', { code, nonce, typed_id: '215' })).toMatchObject({ isError: false });
    expect(await client.call('delete_schedule', args)).toMatchObject({ data: { deleted: true } });
  });

  it('counts for nothing in a process where it is off', async () => {
    const client = await start(era, on);
    const { code, nonce } = await plan(client);
    await client.call('approve_plan', { code, nonce, typed_id: '215' });
    const off = await start(era, {});
    expect(await off.call('delete_schedule', args)).toMatchObject({ data: { status: 'needs_approval' } });
    expect(deleted()).toBe(false);
  });

  it.each([
    ['off', {}, true],
    ['with 0', { SKYBACKUP_APP_CONFIRM: '0' }, true],
    ['with SKYBACKUP_CONFIRM=strict', { ...on, SKYBACKUP_CONFIRM: 'strict' }, true],
    ['with SKYBACKUP_CONFIRM=host', { ...on, SKYBACKUP_CONFIRM: 'host' }, true],
    ['with SKYBACKUP_READ_ONLY=1', { ...on, SKYBACKUP_READ_ONLY: '1' }, true],
    ['for a client without apps', on, false],
  ])('does not exist %s', async (_name, env, apps) => {
    const client = await start(era, env, { apps });
    const tools = await listed(client);
    expect(tools.filter(({ name }) => pageTools.includes(name))).toEqual([]);
    expect(tools.filter(({ _meta }) => JSON.stringify(_meta ?? {}).includes('plan.html'))).toEqual([]);
    for (const name of pageTools) {
      const reply = await client.call(name, { code: 'AAAA-AAAA', nonce: 'x'.repeat(43), typed_id: '215' });
      expect(reply.isError).toBe(true);
      expect(reply.text).toBe(`Tool ${name} not found`);
    }
    const { result } = await client.request('tools/call', { name: 'delete_schedule', arguments: args }).answer;
    expect(JSON.stringify(result ?? {})).not.toContain('skybackup/approval');
    expect(deleted()).toBe(false);
  });
});

describe.each(eras)('what clients are told of pages (%s)', (era) => {
  it('with apps: which page shows an answer, which tools are no model’s, and the pages themselves', async () => {
    const client = await start(era, on);
    const tools = await listed(client);
    const meta = (name: string): unknown => tools.find((tool) => tool.name === name)?._meta;
    expect(meta('show_backups')).toMatchObject({ ui: { resourceUri: 'ui://skybackup/timeline.html' } });
    expect(meta('restore_backup')).toMatchObject({ ui: { resourceUri: 'ui://skybackup/plan.html' } });
    expect(meta('list_backups')).toBeUndefined();
    for (const name of [...pageTools, 'read_timeline']) expect(meta(name)).toEqual({ ui: { visibility: ['app'] } });
    const { result } = await client.request('resources/list').answer;
    const pages = z.array(z.looseObject({ uri: z.string(), mimeType: z.string() })).parse(result?.resources);
    const uris = pages.filter(({ mimeType }) => mimeType === pageType).map(({ uri }) => uri);
    expect(uris).toEqual(['ui://skybackup/timeline.html', 'ui://skybackup/plan.html']);
    for (const uri of uris) {
      const read = await client.request('resources/read', { uri }).answer;
      expect(read.result?.contents).toMatchObject([
        { uri, mimeType: pageType, _meta: { ui: { prefersBorder: true } } },
      ]);
    }
  });

  it('without apps: none of it, and show_backups answers in words', async () => {
    const client = await start(era, {}, { apps: false });
    const tools = await listed(client);
    expect(tools.map(({ name }) => name)).toContain('show_backups');
    expect(tools.map(({ name }) => name)).not.toContain('read_timeline');
    expect(JSON.stringify(tools)).not.toContain('ui://');
    expect((await client.request('resources/list').answer).result?.resources).not.toMatchObject([
      { mimeType: pageType },
    ]);
    const { text } = await client.call('show_backups', { service: 'tx-filip-mdb-ms' });
    expect(text).toContain('newest full 2024-03-26 17:18:21 UTC');
    expect(await client.call('read_timeline', { service: 'orders' })).toMatchObject({ isError: true });
  });

  it('a page that does not exist cannot be read, whatever its name says', async () => {
    const client = await start(era, {});
    for (const uri of ['ui://skybackup/other.html', 'ui://skybackup/..%2F..%2Fpackage.html']) {
      const { error } = await client.request('resources/read', { uri }).answer;
      expect(error?.message).toMatch(/no page|not found/i);
    }
  });
});
