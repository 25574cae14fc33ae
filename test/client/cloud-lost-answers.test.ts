import { describe, expect, it } from 'vitest';
import type { CloudDouble } from '../doubles/cloud.ts';
import { cloudOf } from '../doubles/cloud-api.ts';
import { newRestore, printedBackupId } from '../doubles/cloud-state.ts';
import { failure } from '../failure.ts';

const orders = 'dbtgf28044362';
const restore = { service_id: orders, backup_id: printedBackupId };
const backup = { backup_type: 'full', schedule: 'once', service_id: orders } as const;
const revisions = ['early', 'new'] as const;
const posts = ({ requests }: CloudDouble): number => requests.filter(({ method }) => method === 'POST').length;

/** Every way to lose an answer of what was carried out. */
const lost = [
  ['the connection breaks before the answer', { reset: 'after' as const }],
  ['the connection breaks in the middle of the answer', { truncate: 'connection' as const }],
  ['500', { status: 500, done: true }],
  ['502 with a web page', { html: true, done: true }],
  ['504', { status: 504, done: true }],
  ['503 without Retry-After', { status: 503, done: true }],
  ['truncated JSON', { truncate: 'json' as const }],
  ['a web page with 200', { html: true, status: 200, done: true }],
  ['an answer that is too large', { padding: 17 * 1024 * 1024 }],
  ['"see other"', { status: 303, location: '/elsewhere', done: true }],
  ['an empty body', { status: 200, body: '', done: true }],
  ['an answer without an id', { status: 200, body: '{"status":"Scheduled"}', done: true }],
] as const;

describe.each(revisions)('an answer of the %s revision that is lost', (revision) => {
  // The early revision refuses `id` first: the answer that is lost is that to `key`.
  const path = '/skybackup/v1/restores';
  const loseRestore = async (cloud: CloudDouble, fault: object): Promise<void> => {
    if (revision === 'early') cloud.fault({ method: 'POST', path });
    cloud.fault({ method: 'POST', path, ...fault });
  };

  it.each(lost)('%s: the restore is found in the list, and was started once', async (_, fault) => {
    const { api, cloud } = await cloudOf({ revision });
    // An earlier restore of the same backup onto the same target is not it.
    cloud.state.restores.push(newRestore(10, orders, printedBackupId, 'physical', '2024-03-20T09:00:00Z'));
    await loseRestore(cloud, fault);
    const found = await api.createRestore(restore);
    expect(found).toMatchObject({
      id: 14,
      service_id: orders,
      warnings: [expect.stringContaining('must not be started again')],
    });
    expect(cloud.state.restores.filter(({ id }) => id >= 14)).toHaveLength(1);
    expect(posts(cloud)).toBe(revision === 'early' ? 2 : 1);
  });

  it.each(lost)('%s: the one-time backup is found in the list, and was asked for once', async (_, fault) => {
    const { api, cloud } = await cloudOf({ revision });
    cloud.fault({ method: 'POST', ...fault });
    const found = await api.createSchedule(backup);
    expect(found).toMatchObject({
      id: 253,
      schedule: 'once',
      warnings: [expect.stringContaining('must not be started again')],
    });
    expect(cloud.state.schedules).toHaveLength(3);
    expect(posts(cloud)).toBe(1);
  });

  it('one that finished before it was looked for is found as well', async () => {
    const { api, cloud } = await cloudOf({ revision });
    await loseRestore(cloud, {
      reset: 'after',
      afterwards: (state: CloudDouble['state']) => Object.assign(state.restores.at(-1) ?? {}, { status: 'Succeeded' }),
    });
    expect(await api.createRestore(restore)).toMatchObject({ id: 14, status: 'Succeeded' });
  });

  it('a list that is a little behind is looked at again', async () => {
    const { api, cloud } = await cloudOf({ revision });
    const hidden: CloudDouble['state']['restores'] = [];
    await loseRestore(cloud, {
      reset: 'after',
      afterwards: (state: CloudDouble['state']) => void hidden.push(...state.restores.splice(-1)),
    });
    cloud.fault({ method: 'GET', path });
    cloud.fault({ method: 'GET', path, afterwards: (state) => void state.restores.push(...hidden) });
    expect(await api.createRestore(restore)).toMatchObject({ id: 14 });
  });

  it("of what was not carried out, the error says that nothing is to be seen; another's of the same time is not taken for it", async () => {
    const { api, cloud } = await cloudOf({ revision });
    const others = newRestore(99, orders, `${'a'.repeat(32)}:${orders}:pod`, 'physical', '2026-01-01T00:00:00Z');
    await loseRestore(cloud, { reset: 'before', before: () => cloud.state.restores.push(others) });
    cloud.fault({ method: 'POST', path: '/skybackup/v1/backups/schedules', reset: 'before' });
    // At once: each looks at its list for seconds.
    const [started, asked] = await Promise.all([
      failure(api.createRestore(restore)),
      failure(api.createSchedule(backup)),
    ]);
    expect(started).toMatchObject({ code: 'unreachable', retryable: false, details: { may_be_done: true } });
    expect(started.message).toContain('No new restore is to be seen');
    expect(asked.message).toContain('No new schedule is to be seen');
    expect(cloud.state.restores.filter(({ id }) => id !== 99)).toHaveLength(1);
    expect(cloud.state.schedules).toHaveLength(2);
    expect(posts(cloud)).toBe(revision === 'early' ? 3 : 2);
  });

  it('nothing is started where nobody could look for it afterwards', async () => {
    const { api, cloud } = await cloudOf({ revision });
    cloud.fault({ method: 'GET', path, status: 500, times: 9 });
    expect(await failure(api.createRestore(restore))).toMatchObject({ code: 'unavailable' });
    expect(posts(cloud)).toBe(0);
  });
});
