import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Retention } from '../../src/contract/retention.ts';
import { type Answer, startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { managedScene, takeBackup } from './managed-scene.ts';

const base = '/skybackup/v1';
const day = 24 * 3_600_000;
let daemon: TestDaemon;
let taken: string;
let requester: string;
let operator: string;
beforeAll(async () => {
  daemon = await startDaemon();
  await managedScene(daemon, 'orders');
  taken = await takeBackup(daemon, 'orders');
  requester = (await daemon.api.daemon.createKey({ role: 'requester' })).key;
  operator = (await daemon.api.daemon.createKey({ role: 'operator' })).key;
});
afterAll(() => daemon.dispose());

const folderOf = (id: string): string => join(daemon.home.repository, 'v1', 'orders', id.split(':')[0] ?? '');
const as = (key: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  daemon.request(method, `${base}${path}`, body, { 'x-api-key': key });
const codeOf = (answer: Answer): unknown => answer.body.errors?.[0]?.error ?? answer.status;
const retention = async (query = '', body?: unknown): Promise<Retention> =>
  (await daemon.request(body === undefined ? 'GET' : 'PUT', `${base}/services/orders/retention${query}`, body))
    .body as unknown as Retention;
const listed = async (): Promise<string[]> =>
  (await daemon.api.listBackups({ service_id: 'orders', page_size: 1000 })).items.map(({ id }) => id).sort();
const ids = (list: { backup_id: string }[] | undefined): string[] => (list ?? []).map((each) => each.backup_id).sort();

/** A whole backup of days ago, as the repository would hold it: the taken one's bytes under another id and time. */
function plant(daysAgo: number, more: { type?: string; parent?: string } = {}): string {
  const hex = randomBytes(16).toString('hex');
  const id = `${hex}:orders:orders-0`;
  const text = readFileSync(join(folderOf(taken), 'manifest.json'), 'utf8').replaceAll(taken.split(':')[0] ?? '', hex);
  const at = new Date(Date.now() - daysAgo * day).toISOString();
  const manifest = { ...JSON.parse(text), started_at: at, ended_at: at, point_in_time: at, ...more };
  if (more.parent !== undefined) manifest.full = more.parent;
  cpSync(folderOf(taken), folderOf(id), { recursive: true });
  writeFileSync(join(folderOf(id), 'manifest.json'), JSON.stringify(manifest));
  return id;
}

/** The daemon finds what lies in the repository when it starts. */
async function planted<T>(plants: () => T): Promise<T> {
  await daemon.stop();
  const made = plants();
  daemon = await daemon.restart();
  return made;
}

async function passed(since: string | undefined): Promise<Retention> {
  await expect.poll(async () => (await retention()).last_pass?.at !== since, { timeout: 20_000 }).toBe(true);
  return retention();
}

/** What a killed or finished pass must leave: each listed backup whole, and nothing else but what is noted to go. */
async function expectWhole(): Promise<void> {
  for (const id of await listed()) {
    const { objects } = JSON.parse(readFileSync(join(folderOf(id), 'manifest.json'), 'utf8')) as {
      objects: { key: string }[];
    };
    for (const { key } of objects) expect(existsSync(join(daemon.home.repository, key))).toBe(true);
  }
}
const onDisk = (): string[] => readdirSync(join(daemon.home.repository, 'v1', 'orders')).sort();
const folders = (backups: readonly string[]): string[] => backups.map((id) => id.split(':')[0] ?? '').sort();

describe('retention', () => {
  it('is seven days where nobody has set one, and leaves alone what was only found in the repository', async () => {
    const old = await planted(() => plant(30));
    const answer = await retention('?dry_run=true');
    expect(answer).toMatchObject({ policy: { max_age: '7d' }, is_default: true, pass: { expires: [] } });
    expect(answer.in_words).toBe(
      'Keeps every backup, no older than 7d. Where binary logs are archived, every moment of the last 7d stays restorable.',
    );
    const reasons = new Map(answer.pass?.keeps.map((each) => [each.backup_id, each.reason]));
    expect(reasons.get(old)).toContain('found in the repository');
    expect(reasons.get(taken)).toContain('last good backup');
    expect(await listed()).toContain(old);
  });

  it.each([
    [{ max_age: 'soon' }, 'max_age'],
    [{ max_age: '0d' }, 'max_age'],
    [{ max_size: '50 apples' }, 'max_size'],
    [{ keep_last: 0 }, 'keep_last'],
    [{ keep_last: 'three' }, 'keep_last'],
    [{ forever: true }, 'forever'],
    [['7d'], 'object'],
  ])('refuses %j, naming what is wrong', async (policy, named) => {
    const answer = await daemon.request('PUT', `${base}/services/orders/retention`, policy);
    expect(answer.status).toBe(400);
    expect(answer.body.errors?.[0]?.message).toContain(named);
    expect((await retention()).is_default).toBe(true);
  });

  it('of a service that does not exist is unknown', async () => {
    expect((await daemon.request('GET', `${base}/services/nope/retention`)).status).toBe(404);
    expect((await daemon.request('PUT', `${base}/services/nope/retention`, { keep_last: 1 })).status).toBe(404);
  });

  it('shortened needs a plan that names what would go; a dry run changes nothing, and a pass does what it said', async () => {
    const { old, parent, kept } = await planted(() => {
      const root = plant(9);
      return { old: plant(10), parent: root, kept: plant(2, { type: 'incremental', parent: root }) };
    });
    const policy = { max_age: '7d' };
    const dry = await retention('?dry_run=true', policy);
    expect(ids(dry.pass?.expires)).toContain(old);
    expect(ids(dry.pass?.keeps)).toEqual([taken, kept, parent].sort());
    expect(dry.pass?.keeps.find((each) => each.backup_id === parent)?.reason).toBe(`${kept} builds on it`);
    expect(dry.shortens?.join()).toContain('backups go that would stay as it is now');
    expect((await retention()).is_default).toBe(true);

    for (const key of [operator, requester]) {
      expect(codeOf(await as(key, 'PUT', '/services/orders/retention', policy))).toBe('plan_required');
    }
    const plan = await as(requester, 'POST', '/plans', {
      operation: 'set_retention',
      arguments: { service_id: 'orders', ...policy },
    });
    const { lost } = plan.body.facts as { lost: string[] };
    expect(lost.join('\n')).toContain(old);
    expect(lost.join('\n')).not.toContain(parent);
    await daemon.api.daemon.approvePlan(String(plan.body.id), { channel: 'terminal', typed_id: 'orders' });
    const other = await as(requester, 'PUT', `/services/orders/retention?plan_id=${plan.body.id}`, { max_age: '1d' });
    expect(codeOf(other)).toBe('plan_mismatch');
    const set = await as(requester, 'PUT', `/services/orders/retention?plan_id=${plan.body.id}`, policy);
    expect(set.body).toMatchObject({ policy, is_default: false });
    expect(await listed()).toContain(old);

    const before = (await retention()).last_pass?.at;
    const next = ids((await retention('?dry_run=true')).pass?.expires);
    const newest = await takeBackup(daemon, 'orders');
    const after = await passed(before);
    expect(after.last_pass).toMatchObject({ failed: false, message: expect.stringContaining('expired') });
    expect(next).toEqual(ids(dry.pass?.expires));
    expect(await listed()).toEqual([taken, kept, parent, newest].sort());
    await expect.poll(onDisk).toEqual(folders([taken, kept, parent, newest]));
    const db = new DatabaseSync(daemon.home.state, { readOnly: true });
    const audited = db.prepare("SELECT target FROM audit WHERE action = 'Expiring a backup'").all();
    db.close();
    expect(audited.map(({ target }) => target).sort()).toEqual(next);

    // Keeping more takes nothing away.
    expect((await as(operator, 'PUT', '/services/orders/retention', { max_age: '30d' })).status).toBe(200);
    expect((await as(operator, 'PUT', '/services/orders/retention', {})).body.in_words).toBe('Keeps every backup.');
  });

  it('says what could not be removed, lists it no more, and finishes when it can', async () => {
    const old = await planted(() => plant(12));
    // What cannot be unlinked.
    rmSync(join(folderOf(old), 'manifest.json'));
    mkdirSync(join(folderOf(old), 'manifest.json', 'x'), { recursive: true });
    await retention('', { max_age: '10d' });
    const before = (await retention()).last_pass?.at;
    await takeBackup(daemon, 'orders');
    const { last_pass } = await passed(before);
    expect(last_pass).toMatchObject({ failed: true, message: expect.stringContaining(old) });
    expect(await listed()).not.toContain(old);
    rmSync(join(folderOf(old), 'manifest.json'), { recursive: true });
    await daemon.stop();
    daemon = await daemon.restart();
    expect(existsSync(folderOf(old))).toBe(false);
  });

  it('lets nothing of a locked service go until it is unlocked', async () => {
    await daemon.api.daemon.lockService('orders', { reason: 'audit' });
    const old = await planted(() => plant(20));
    await takeBackup(daemon, 'orders');
    await expect.poll(async () => (await retention()).last_pass?.message, { timeout: 20_000 }).toContain('locked');
    expect(await listed()).toContain(old);
    await daemon.api.daemon.unlockService('orders');
    await takeBackup(daemon, 'orders');
    await expect.poll(listed, { timeout: 20_000 }).not.toContain(old);
  });

  it('lets nothing go that a plan would restore, until the plan has ended', async () => {
    const before = (await retention()).last_pass?.at;
    const [full, increment] = await planted(() => {
      const base = plant(40);
      return [base, plant(39, { type: 'incremental', parent: base })];
    });
    const plan = await daemon.api.daemon.createPlan({
      operation: 'restore_backup',
      arguments: { service_id: 'orders', id: full },
    });
    // Also by hand, as anything that is in use.
    const byHand = await daemon.request('DELETE', `${base}/backups/${increment}`);
    const named = await daemon.request('DELETE', `${base}/backups/${full}`);
    expect([byHand.status, codeOf(named)]).toEqual([200, 'conflict']);
    await retention('', { max_age: '7d' });
    const kept = (await retention('?dry_run=true')).pass?.keeps.find(({ backup_id }) => backup_id === full);
    expect(kept?.reason).toBe(`plan ${plan.code} works with it`);
    await takeBackup(daemon, 'orders');
    await passed(before);
    expect(await listed()).toContain(full);

    await daemon.api.daemon.declinePlan(plan.id, 'declined');
    await takeBackup(daemon, 'orders');
    // Not told by the time of the pass: two may come within one second.
    await expect.poll(listed, { timeout: 20_000 }).not.toContain(full);
  });

  it('killed in the middle of a pass leaves no half backup, and goes on at the next start', async () => {
    const keep = await listed();
    const old = await planted(() => Array.from({ length: 40 }, () => plant(20)));
    expect(await listed()).toHaveLength(keep.length + old.length);
    await takeBackup(daemon, 'orders');
    while (onDisk().length >= keep.length + old.length) await new Promise(setImmediate);
    await daemon.kill9();
    daemon = await daemon.restart();
    await expectWhole();
    const left = await listed();
    for (const id of old) expect(left).not.toContain(id);
    await expect.poll(onDisk).toEqual(folders(left));
    for (const id of keep) expect(left).toContain(id);
  });
});

describe('deleting a backup by hand', () => {
  it('follows the rules: not the last good one, not one that another builds on, and only with a plan', async () => {
    const backups = (await daemon.api.listBackups({ service_id: 'orders', status: 'Succeeded' })).items;
    const child = backups.find(({ type }) => type === 'incremental');
    const [newest] = backups;
    const refusal = async (id: string | undefined): Promise<string> => {
      const answer = await daemon.request('DELETE', `${base}/backups/${id}`);
      expect(answer.status).toBe(409);
      expect(codeOf(answer)).toBe('conflict');
      return answer.body.errors?.[0]?.message ?? '';
    };
    expect(await refusal(newest?.id)).toContain('it is the last good backup of the service');
    expect(await refusal(child?.reference_full_backup)).toContain(`${child?.id} builds on it`);
    expect((await daemon.request('DELETE', `${base}/backups/${'0'.repeat(32)}:orders:orders-0`)).status).toBe(404);

    const path = `/backups/${child?.id}`;
    expect(codeOf(await as(operator, 'DELETE', path))).toBe('forbidden');
    expect(codeOf(await as(requester, 'DELETE', path))).toBe('plan_required');
    const plan = await as(requester, 'POST', '/plans', { operation: 'delete_backup', arguments: { id: child?.id } });
    expect(plan.body.facts).toMatchObject({ confirm_id: child?.id.slice(0, 8), service_id: 'orders' });
    await daemon.api.daemon.approvePlan(String(plan.body.id), {
      channel: 'terminal',
      typed_id: child?.id.slice(0, 8) ?? '',
    });
    expect((await as(requester, 'DELETE', `${path}?plan_id=${plan.body.id}`)).status).toBe(200);
    expect(existsSync(folderOf(child?.id ?? ''))).toBe(false);
    expect((await daemon.request('GET', `${base}${path}`)).status).toBe(404);
    // Nothing builds on it any more; an administrator needs no plan.
    expect((await daemon.request('DELETE', `${base}/backups/${child?.reference_full_backup}`)).status).toBe(200);
    await expect.poll(onDisk).toEqual(folders(await listed()));
  });
});
