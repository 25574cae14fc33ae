import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, startDaemon, type TestDaemon } from '../servers/daemon.ts';

const base = '/skybackup/v1';
let daemon: TestDaemon;
let schedule: number;
/** `asker` makes `child`, which makes `grandchild`; `other` is made at the socket. All are administrators. */
const keys: Record<string, string> = {};
const role = 'administrator';

beforeAll(async () => {
  daemon = await startDaemon();
  await daemon.api.daemon.registerService({ id: 'orders', control: { kind: 'managed' }, nightly: false });
  for (const name of ['asker', 'other']) keys[name] = (await daemon.api.daemon.createKey({ role })).key;
  for (const [name, maker] of [
    ['child', 'asker'],
    ['grandchild', 'child'],
  ] as const) {
    keys[name] = String((await as(maker, 'POST', '/keys', { role })).body.key);
  }
});
afterAll(() => daemon.dispose());
beforeEach(async () => {
  const request = { backup_type: 'full', schedule: '0 3 * * *', service_id: 'orders' } as const;
  schedule = (await daemon.api.createSchedule(request)).id;
});

const as = (name: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  daemon.request(method, `${base}${path}`, body, { 'x-api-key': keys[name] ?? '' });
const idOf = (name: string): string => `key:${keys[name]?.split('_')[1]}`;
const approval = () => ({ channel: 'approver_key', typed_id: String(schedule) });

async function plan(more: object = {}): Promise<string> {
  const request = { operation: 'delete_schedule', arguments: { id: schedule }, ...more };
  return String((await as('asker', 'POST', '/plans', request)).body.id);
}

describe('an approver key', () => {
  it.each(['asker', 'child', 'grandchild'])(
    'is not the key of the asker, nor one that came of it (%s)',
    async (name) => {
      const id = await plan();
      expect(await as(name, 'POST', `/plans/${id}/approve`, approval())).toMatchObject({ status: 403 });
      expect(await as('other', 'POST', `/plans/${id}/approve`, approval())).toMatchObject({
        status: 200,
        body: { approved_by: 'approver_key' },
      });
    },
  );

  it("is not the asker's key in the other header", async () => {
    const bearer = { authorization: `Bearer ${keys.asker}` };
    const path = `${base}/plans/${await plan()}/approve`;
    expect(await daemon.request('POST', path, approval(), bearer)).toMatchObject({ status: 403 });
    // Two keys in one request: what counts is the one that the request is made with.
    const both = { ...bearer, 'x-api-key': keys.other ?? '' };
    expect((await daemon.request('POST', path, approval(), both)).body.approved_by).toBe('approver_key');
    const turned = { authorization: `Bearer ${keys.other}`, 'x-api-key': keys.asker ?? '' };
    const again = `${base}/plans/${await plan({ arguments: { id: schedule }, requested_by: 'again' })}/approve`;
    expect(await daemon.request('POST', again, approval(), turned)).toMatchObject({ status: 403 });
  });

  it('is none that the owner of the socket goes without', async () => {
    const path = `${base}/plans/${await plan()}/approve`;
    expect(await daemon.request('POST', path, approval())).toMatchObject({ status: 403 });
  });

  it('is not talked away by a client that calls itself by the name of another key', async () => {
    const id = await plan({ requested_by: `innocent (${idOf('other')})` });
    expect(await as('asker', 'POST', `/plans/${id}/approve`, approval())).toMatchObject({ status: 403 });
    expect(await as('other', 'POST', `/plans/${id}/approve`, approval())).toMatchObject({ status: 200 });
  });

  it('does not better a yes that came another way before', async () => {
    const id = await plan();
    const terminal = { channel: 'terminal', typed_id: String(schedule) };
    await as('asker', 'POST', `/plans/${id}/approve`, terminal);
    const late = await as('other', 'POST', `/plans/${id}/approve`, approval());
    expect(late.body.approved_by).not.toBe('approver_key');
  });
});
