import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli } from '../cli/run-cli.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { type LocalDaemon, localDaemon } from './local-daemon.ts';
import { RawClient, type Reply } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

/** Some hosts hand a model the text alone, some the data alone: what the next call needs must be in both. */

/** Members of the data that a model acts by, or that it must tell a person. */
const needed =
  /^(id|(backup|job|service|verification)_id|status|verdict|next_cursor|approve_with|expires|undo|undo_of|in_words|cron|gtid|local|service_status|users|oldest|newest)$/;

function leaves(node: unknown, key = ''): [string, string][] {
  if (Array.isArray(node)) return node.flatMap((each) => leaves(each, key));
  if (typeof node === 'object' && node !== null)
    return Object.entries(node).flatMap(([name, each]) => leaves(each, name));
  return [[key, String(node)]];
}

/** The value itself, and not a digit of another one; a verdict may be said aloud. */
function alone(value: string): RegExp {
  return new RegExp(`(?<![\\w.])${value.replaceAll(/\s+/g, ' ').replaceAll(/[^\w ]/g, '\\$&')}(?![\\w])`, 'i');
}

/** What is in a text that a model could act by: ids of backups, moments, codes of plans. */
const inText = /[0-9a-f]{32}:[\w-]+:[\w-]+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC|\b[A-Z0-9]{4}-[A-Z0-9]{4}\b/g;
/** Members of the cloud's own answers that no tool is made to show. */
const raw = /storage_volume|volume_type|ssl_enabled|endpoints|server_pod|binlog_|labels|disk_size|created_on|"tier"/;

function expectBoth(tool: string, { text, data, isError }: Reply): void {
  const json = JSON.stringify(data);
  const words = text.replaceAll(/\s+/g, ' ');
  expect(isError, text).toBe(false);
  expect(text.length).toBeGreaterThan(20);
  for (const [key, value] of leaves(data))
    if (needed.test(key)) expect.soft(words, `${tool}: ${key} of the data`).toMatch(alone(value));
  for (const found of text.match(inText) ?? []) expect.soft(json, `${tool}: of the text`).toContain(found);
  const { next, warnings = [] } = z
    .looseObject({ next: z.string().optional(), warnings: z.array(z.string()).optional() })
    .parse(data);
  if (next !== undefined) expect(words).toContain(`Next: ${next}`);
  expect(text.includes('\nNext: ')).toBe(next !== undefined);
  for (const warning of warnings) expect(words).toContain(`Warning: ${warning}`);
  expect(text.match(/^Warning: /gm) ?? []).toHaveLength(warnings.length + planWarnings(data));
  expect(text + json).not.toMatch(raw);
}

const Planned = z.looseObject({
  plan: z.looseObject({
    code: z.string(),
    confirm_id: z.string(),
    warnings: z.array(z.string()),
    undo: z.string(),
    lost: z.array(z.string()),
  }),
});

function planWarnings(data: unknown): number {
  return Planned.safeParse(data).data?.plan.warnings.length ?? 0;
}

/** Nothing is done yet: what would be lost, how to undo it and how a person says yes are in both. */
function expectPlan(reply: Reply): z.infer<typeof Planned>['plan'] {
  expect(reply.text).toContain('NOTHING HAS BEEN CHANGED');
  const { plan } = Planned.parse(reply.data);
  expect(reply.data).toMatchObject({
    status: 'needs_approval',
    changed: false,
    approve_with: expect.stringMatching(/^skybackup approve /),
  });
  for (const words of [plan.confirm_id, plan.undo, ...plan.lost, ...plan.warnings]) expect(reply.text).toContain(words);
  return plan;
}

type Args = Record<string, unknown>;
type Step = [name: string, args: (seen: Seen) => Args, kind?: 'plan'];
interface Seen {
  backup: string;
  schedule: number;
  restore: number;
  job: number;
  wait: Args;
}

/** Calls each in turn, remembers what the answers name, and returns the tools that were called. */
async function walk(client: RawClient, steps: readonly Step[], env: Record<string, string>): Promise<Set<string>> {
  const seen: Seen = { backup: '', schedule: 0, restore: 0, job: 1, wait: {} };
  for (const [name, args, kind] of steps) {
    let reply = await client.call(name, args(seen));
    if (kind === 'plan') {
      const { code, confirm_id } = expectPlan(reply);
      const { status: _, ...data } = reply.data;
      expectBoth(name, { ...reply, data });
      if (name !== 'restore_backup') continue;
      expect(await runCli(['approve', code, '--confirm', confirm_id], { env })).toMatchObject({ code: 0 });
      reply = await client.call(name, args(seen));
    }
    expectBoth(name, reply);
    const { id, job_id, backup_id, wait_for } = Named.parse(reply.data);
    if (wait_for !== undefined) seen.wait = wait_for;
    if (name === 'create_schedule') seen.schedule = Number(id);
    if (name === 'restore_backup') seen.restore = Number(id);
    if (job_id !== undefined) seen.job = job_id;
    // The first: the last good one is never deleted.
    seen.backup ||= backup_id ?? '';
  }
  return new Set(steps.map(([name]) => name));
}

const Named = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  job_id: z.number().optional(),
  backup_id: z.string().optional(),
  wait_for: z.record(z.string(), z.unknown()).optional(),
});

async function listed(client: RawClient): Promise<Set<string>> {
  const { result } = await client.request('tools/list').answer;
  return new Set(
    z
      .array(z.looseObject({ name: z.string() }))
      .parse(result?.tools)
      .map(({ name }) => name),
  );
}

const service = 'shop';
const here = () => ({ service });
const none = () => ({});
const both: Step[] = [
  ['list_services', none],
  ['list_services', here],
  ['create_backup', here],
  ['wait_for', ({ wait }) => wait],
  ['list_backups', none],
  ['list_backups', () => ({ service, id: 'latest' })],
  ['check_backups', here],
  ['check_backups', none],
  ['show_backups', here],
  ['show_backups', none],
  ['list_storages', none],
  ['preview_schedule', () => ({ cron: '0 3 * * *', zone: 'Europe/Berlin' })],
  ['preview_schedule', () => ({ cron: '0 3 * * *', zone: 'Europe/Berlin', local: true })],
  ['create_schedule', () => ({ service, cron: '0 3 * * *' })],
  ['list_schedules', here],
  ['update_schedule', ({ schedule }) => ({ id: schedule, cron: '0 2 * * *' })],
  ['update_schedule', ({ schedule }) => ({ id: schedule, suspended: true }), 'plan'],
  ['delete_schedule', ({ schedule }) => ({ id: schedule }), 'plan'],
  ['restore_backup', () => ({ service, backup: 'latest' }), 'plan'],
  ['wait_for', ({ wait }) => wait],
  ['list_restores', here],
  ['start_service', here],
  ['stop_service', here, 'plan'],
];

describe('words and data each suffice alone, with the cloud', () => {
  let home: { home: string; remove: () => Promise<void> } | undefined;
  let cloud: CloudDouble | undefined;
  let client: RawClient | undefined;
  afterEach(async () => {
    await client?.close();
    await cloud?.close();
    await home?.remove();
  });

  it('of every tool', async () => {
    cloud = await startCloudDouble();
    home = await newHome();
    const [first] = cloud.state.services;
    if (first) first.name = service;
    client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), 'modern', { elicitation: false });
    const steps: Step[] = [...both, ['delete_restore', () => ({ id: 13 }), 'plan']];
    const { env } = serverCommand(home.home, cloudEnvironment(cloud));
    const called = await walk(client, steps, env);
    expect(called).toEqual(await listed(client));
  });
});

describe('words and data each suffice alone, with a daemon', () => {
  let daemon: LocalDaemon;
  beforeAll(async () => {
    daemon = await localDaemon();
    await daemon.cli(['services', 'add', service, '--managed', '--no-nightly']);
    await daemon.sql(service, 'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY);');
  });
  afterAll(() => daemon.stop());

  it('of every tool', async () => {
    const owner = await daemon.client('modern', {}, false);
    const more: Step[] = [
      ['show_backup', () => ({ backup: 'latest', service })],
      ['show_backup', () => ({ table: 'shop.orders' })],
      ['find_transactions', () => ({ service, contains: 'orders' })],
      ['verify_backup', () => ({ service, checks: 'quick' })],
      ['wait_for', ({ wait }) => wait],
      ['cancel_job', ({ job }) => ({ job_id: job })],
      ['undo_restore', ({ restore }) => ({ id: restore }), 'plan'],
      ['get_retention', here],
      ['set_retention', () => ({ service, keep_last: 1, dry_run: true })],
      ['set_retention', () => ({ service, keep_last: 1 }), 'plan'],
      ['create_backup', here],
      ['wait_for', ({ wait }) => wait],
      ['delete_backup', ({ backup }) => ({ id: backup }), 'plan'],
      ['delete_restore', ({ restore }) => ({ id: restore }), 'plan'],
    ];
    const called = await walk(owner, [...both.slice(0, -2), ...more, ...both.slice(-2)], daemon.mcp().env);
    expect(called).toEqual(await listed(owner));
  });
});
