import { describe, expect, it, vi } from 'vitest';
import type { BackupApi } from '../../src/client/backup-api.ts';
import { cloudOf } from '../doubles/cloud-api.ts';
import { printedBackupId } from '../doubles/cloud-state.ts';
import { failure } from '../failure.ts';

const orders = 'dbtgf28044362';
const revisions = ['early', 'new'] as const;
const backup = { backup_type: 'full', schedule: 'once', service_id: orders } as const;
const calls: [string, RegExp | undefined, (api: BackupApi) => Promise<unknown>][] = [
  ['creating a backup or a schedule', /Administrator role/, (api) => api.createSchedule(backup)],
  ['changing a schedule', /Administrator role/, (api) => api.updateSchedule(215, { suspended: true })],
  ['deleting a schedule', /Administrator role/, (api) => api.deleteSchedule(215)],
  ['reading schedules', undefined, (api) => api.getSchedule(215)],
  ['reading backups', undefined, (api) => api.listBackups()],
  ['starting a restore', undefined, (api) => api.createRestore({ service_id: orders, backup_id: printedBackupId })],
  ['deleting the record of a restore', undefined, (api) => api.deleteRestore(13)],
  ['reading restores', undefined, (api) => api.getRestore(13)],
  ['starting or stopping a service', undefined, (api) => api.setPower(orders, true)],
  ['reading services', undefined, (api) => api.listServices()],
];

describe.each(revisions)('statuses of the %s revision', (revision) => {
  it.each(calls)('403 names %s, and the role where one is documented', async (words, role, call) => {
    const { api, cloud } = await cloudOf({ revision });
    for (const method of ['POST', 'PATCH', 'DELETE', ...(words.startsWith('reading') ? ['GET'] : [])])
      cloud.fault({ method, status: 403 });
    const error = await failure(call(api));
    expect(error).toMatchObject({ code: 'forbidden', status: 403, retryable: false });
    expect(error.message).toContain(`does not allow ${words} (HTTP 403)`);
    expect(error.hint).toContain('SKYSQL_API_KEY');
    expect(error.hint).toMatch(role ?? /is not documented/);
  });

  it.each([
    [400, 'invalid_request', false],
    [401, 'unauthorized', false],
    [404, 'not_found', false],
    [409, 'conflict', true],
    [413, 'too_large', false],
    [429, 'rate_limited', true],
  ])('%d after a POST is %s, tried again only where nothing was done', async (status, code, retryable) => {
    const { api, cloud } = await cloudOf({ revision });
    cloud.fault({ method: 'POST', status, times: 9, message: 'Because.' });
    const error = await failure(api.createSchedule(backup));
    expect(error).toMatchObject({ code, status, retryable });
    expect(error.details.may_be_done).toBeUndefined();
    if (status !== 401) expect(error.message).toContain('Because');
    expect(cloud.requests.filter(({ method }) => method === 'POST')).toHaveLength(status === 429 ? 3 : 1);
    expect(cloud.state.schedules).toHaveLength(2);
  });

  it('409 while a schedule or a restore runs', async () => {
    const { api, cloud } = await cloudOf({ revision, runningRestore: true });
    const [schedule] = cloud.state.schedules;
    if (schedule) schedule.status = 'Running';
    expect(await failure(api.deleteSchedule(200))).toMatchObject({ code: 'conflict', status: 409 });
    expect(await failure(api.deleteRestore(12))).toMatchObject({ code: 'conflict', status: 409 });
    expect(cloud.state.schedules).toHaveLength(2);
  });

  it.each([500, 502, 503, 504])(
    '%d after a POST, PATCH or DELETE: nobody knows, and nothing repeats it',
    async (status) => {
      const { api, cloud } = await cloudOf({ revision });
      for (const call of [
        () => api.setPower(orders, true),
        () => api.updateSchedule(215, { suspended: true }),
        () => api.deleteSchedule(215),
      ]) {
        cloud.requests.length = 0;
        cloud.fault({ method: 'POST', status });
        cloud.fault({ method: 'PATCH', status });
        cloud.fault({ method: 'DELETE', status });
        const error = await failure(call());
        expect(error).toMatchObject({ retryable: false, details: { may_be_done: true } });
        expect(error.hint).toContain('may have been carried out');
        expect(cloud.requests).toHaveLength(1);
      }
    },
  );
});

it('a look-up is a POST that changes nothing: it is tried again', async () => {
  const { api, cloud } = await cloudOf();
  cloud.fault({ method: 'POST', status: 502 });
  cloud.fault({ method: 'POST', reset: 'after' });
  const targets = await api.lookupRestoreTargets({ backup_id: printedBackupId, service_id: 'dbtgf28216706' });
  expect(targets).toHaveLength(2);
  expect(cloud.requests).toHaveLength(3);
});

describe('a storm of 429', () => {
  it.each([
    ['seconds', () => '1', 1000],
    ['an HTTP date', () => new Date(Date.now() + 2000).toUTCString(), 900],
    ['nothing', () => undefined, 100],
    ['nonsense', () => 'soon, perhaps', 100],
    ['a negative number', () => '-5', 100],
    ['a moment that is past', () => 'Thu, 01 Jan 2015 00:00:05 GMT', 100],
  ])('with %s for Retry-After is waited out', async (_, retryAfter, leastMs) => {
    const { api, cloud } = await cloudOf();
    const value = retryAfter();
    cloud.fault({ status: 429, ...(value === undefined ? {} : { retryAfter: value }) });
    const before = performance.now();
    expect(await api.listServices()).toHaveLength(3);
    expect(performance.now() - before).toBeGreaterThanOrEqual(leastMs);
    expect(cloud.requests).toHaveLength(2);
  });

  it.each(['999999999', '99999999999999999999999', 'Fri, 01 Jan 2100 00:00:00 GMT'])(
    'with the absurd Retry-After %s is told at once, as an hour',
    async (retryAfter) => {
      const { api, cloud } = await cloudOf();
      cloud.fault({ status: 429, retryAfter, times: 9 });
      expect(await failure(api.listServices())).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 3600 });
      expect(cloud.requests).toHaveLength(1);
    },
  );

  it('a date for Retry-After is read by the clock of the cloud, however far off ours is', async () => {
    for (const hours of [-5, 5]) {
      const { api, cloud } = await cloudOf({ skewMs: hours * 3_600_000 });
      const at = new Date(Date.now() + cloud.state.skewMs + 2000);
      cloud.fault({ status: 429, retryAfter: at.toUTCString() });
      const before = performance.now();
      await api.listServices();
      expect(performance.now() - before).toBeGreaterThan(900);
      expect(performance.now() - before).toBeLessThan(20_000);
    }
  });

  it('holds every call of the process, and they do not come back all at once', async () => {
    const { api, cloud } = await cloudOf();
    const times: number[] = [];
    cloud.fault({ status: 429, retryAfter: '1' });
    const limited = api.listServices();
    await vi.waitUntil(() => cloud.requests.length === 1);
    const from = performance.now();
    cloud.fault({ times: 20, before: () => void times.push(performance.now() - from) });
    // The first try of these comes after the limiter spoke.
    await vi.waitUntil(() => performance.now() - from > 100);
    await Promise.all([limited, ...Array.from({ length: 8 }, () => api.listBackups({ page: 1, page_size: 1 }))]);
    expect(times).toHaveLength(9);
    expect(Math.min(...times)).toBeGreaterThan(800);
    expect(new Set(times.map((time) => Math.round(time / 10))).size).toBeGreaterThan(2);
  });

  it('that does not end ends the call within its deadline, after three tries', async () => {
    const { api, cloud } = await cloudOf();
    cloud.fault({ status: 429, retryAfter: '0', times: 99 });
    const before = performance.now();
    expect(await failure(api.listServices({ deadlineMs: 5000 }))).toMatchObject({ code: 'rate_limited' });
    expect(performance.now() - before).toBeLessThan(5000);
    expect(cloud.requests).toHaveLength(3);
  });
});

describe('slow and broken answers', () => {
  it('a body that comes byte by byte ends with the deadline, a GET after a second try', async () => {
    const { api, cloud } = await cloudOf();
    cloud.fault({ trickleMs: 50, times: 9 });
    expect(await failure(api.listServices({ deadlineMs: 1500 }))).toMatchObject({ code: 'timeout' });
    expect(cloud.requests).toHaveLength(2);
  });

  it.each(['GET', 'POST'])('cancelling a %s really ends its request at the cloud', async (method) => {
    const { api, cloud } = await cloudOf();
    cloud.fault({ method, hang: true });
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const call = failure(method === 'GET' ? api.listServices(options) : api.setPower(orders, true, options));
    await vi.waitUntil(() => cloud.requests.length === 1);
    expect(cloud.abandoned).toHaveLength(0);
    abort.abort();
    expect((await call).code).toBe('cancelled');
    await vi.waitUntil(() => cloud.abandoned.length === 1);
    expect(cloud.requests).toHaveLength(1);
  });

  it('JSON is JSON whatever its type says, and a page is a page', async () => {
    const { api, cloud } = await cloudOf();
    cloud.fault({ contentType: 'text/html; charset=utf-8' });
    expect(await api.listServices()).toHaveLength(3);
    cloud.fault({ contentType: 'application/octet-stream' });
    expect(await api.listServices()).toHaveLength(3);
    cloud.fault({ html: true, status: 200, contentType: 'application/json' });
    expect(await failure(api.listServices())).toMatchObject({
      code: 'bad_answer',
      message: expect.stringContaining('web page'),
    });
  });

  it('an answer beyond 16 MiB is refused, of a success and of an error; of a change nobody knows whether it was made', async () => {
    const { api, cloud } = await cloudOf();
    for (const status of [200, 500]) {
      cloud.fault({ status, padding: 17 * 1024 * 1024 });
      expect(await failure(api.listServices())).toMatchObject({
        code: 'bad_answer',
        message: expect.stringContaining('larger'),
      });
    }
    cloud.fault({ method: 'POST', status: 200, padding: 17 * 1024 * 1024 });
    expect(await failure(api.setPower(orders, true))).toMatchObject({
      retryable: false,
      details: { may_be_done: true },
    });
  });

  it.each([301, 302, 303, 307, 308])(
    'a redirect (%d) is not followed, and the key goes nowhere else',
    async (status) => {
      const { api, cloud } = await cloudOf();
      const { cloud: elsewhere } = await cloudOf();
      cloud.fault({ status, location: `${elsewhere.url}/provisioning/v1/services`, times: 2 });
      expect(await failure(api.listServices())).toMatchObject({ code: 'bad_answer', retryable: false });
      const error = await failure(api.setPower(orders, true));
      expect(error).toMatchObject({ code: 'bad_answer', retryable: false });
      expect(error.details.may_be_done).toBe(status === 303 ? true : undefined);
      expect(elsewhere.requests).toEqual([]);
      expect(JSON.stringify(error)).not.toContain(cloud.key);
    },
  );
});

describe('an error is worded whatever shape its body has', () => {
  const said = 'The bucket is gone.';
  it.each([
    ['as documented', { code: 400, timestamp: 1, errors: [{ error: 'x', message: said }] }],
    ['with the time as text', { code: 400, timestamp: '1711473537', errors: [{ message: said }] }],
    ['with the code as text and the trace as a number', { code: '400', trace_id: 7, errors: [{ message: said }] }],
    ['without errors', { exception: said }],
    ['with errors null', { errors: null, message: said }],
    ['with errors as texts', { errors: [said] }],
    ['with errors as one text', { errors: said }],
    ['with errors as one object', { errors: { error: 'x', message: said } }],
    ['with errors by field', { errors: { bucket: [said] } }],
    ['with a message that is null', { errors: [{ message: null, error: said }] }],
    ['as an array', [{ message: said }]],
    ['as an array of texts', [said]],
    ['as a JSON text', said],
    ['as an error object', { error: { code: 3, message: said } }],
    ['with a detail', { detail: said }],
  ])('%s', async (_, body) => {
    const { api, cloud } = await cloudOf();
    cloud.fault({ status: 400, body: JSON.stringify(body) });
    const error = await failure(api.listServices());
    expect(error).toMatchObject({ code: 'invalid_request', status: 400 });
    expect(error.message).toContain('The bucket is gone');
  });

  it.each([
    ['plain text', 'The bucket is gone.'],
    ['cut JSON', '{"errors":[{"message":"The bucket is gone.'],
  ])('as %s', async (_, body) => {
    const { api, cloud } = await cloudOf();
    cloud.fault({ status: 400, body });
    expect((await failure(api.listServices())).message).toContain('The bucket is gone');
  });

  it.each(['', 'null', '{}', '[]', '7', '"\\u202e\\u0007"', '{"errors":[[[[[[["deep"]]]]]]]}'])(
    'that says nothing: %j',
    async (body) => {
      const { api, cloud } = await cloudOf();
      cloud.fault({ status: 400, body });
      expect((await failure(api.listServices())).message).toMatch(/HTTP 400\.$/);
    },
  );
});
