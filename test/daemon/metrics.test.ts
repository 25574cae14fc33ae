import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { approvedRestorePlan, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let key: string;
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  key = (await daemon.api.daemon.createKey({ role: 'viewer' })).key;
});
afterAll(() => daemon.dispose());

const get = (headers: Record<string, string> = { 'x-api-key': key }) => fetch(`${daemon.url()}/metrics`, { headers });

/** Series and their values. */
async function scrape(): Promise<Map<string, number>> {
  const text = await (await get()).text();
  const series = [...text.matchAll(/^(skybackup_\S+?(?:\{.*\})?) (\S+)$/gm)];
  return new Map(series.map(([, name = '', value]) => [name, Number(value)]));
}

it('is text for Prometheus, each metric explained; over the network it takes a key', async () => {
  expect((await get({})).status).toBe(401);
  const answer = await get();
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  const named = new Set([...text.matchAll(/^(skybackup_\w+)/gm)].map(([, name]) => name));
  for (const name of named) expect(text).toContain(`# HELP ${name} `);
  expect(text).toMatch(/^skybackup_build_info\{version="[^"]+"\} 1$/m);
});

it('follows a real service: verdict, last success, failures, kept data, free space', async () => {
  const scene = await managedScene(daemon, 'orders');
  const full = '{service="orders",type="full"}';
  const before = await scrape();
  expect(before.get('skybackup_service_verdict{service="orders"}')).toBe(2);
  expect(before.has(`skybackup_backup_last_success_timestamp_seconds${full}`)).toBe(false);
  expect(before.get('skybackup_storage_free_bytes{storage="local"}')).toBeGreaterThan(0);

  await daemon.api.createSchedule({ backup_type: 'full', schedule: '0 3 * * *', service_id: scene.id });
  const backup = await takeBackup(daemon, scene.id);
  const after = await scrape();
  expect(after.get('skybackup_service_verdict{service="orders"}')).toBe(0);
  const { end_time, storage_bytes } = await daemon.api.getBackup(backup);
  expect(after.get(`skybackup_backup_last_success_timestamp_seconds${full}`)).toBe(Date.parse(end_time ?? '') / 1000);
  expect(after.get(`skybackup_backup_last_size_bytes${full}`)).toBe(storage_bytes);
  expect(after.get(`skybackup_backup_overdue_seconds${full}`)).toBe(0);
  expect(after.get(`skybackup_backup_failed_runs${full}`)).toBe(0);
  expect([...after.keys()].filter((name) => name.startsWith('skybackup_kept_data_bytes'))).toEqual([]);

  const plan_id = await approvedRestorePlan(daemon, scene.id, backup);
  const restore = await daemon.api.createRestore({ service_id: scene.id, backup_id: backup, plan_id });
  expect((await daemon.ended(restore.job_id ?? 0)).status).toBe('Succeeded');
  await daemon.api.setPower(scene.id, false);
  while ((await daemon.api.getService(scene.id)).status !== 'stopped');
  const { job_id } = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: scene.id });
  await daemon.ended(job_id ?? 0);
  const last = await scrape();
  expect(last.get('skybackup_kept_data_bytes{service="orders"}')).toBeGreaterThan(1_000_000);
  expect(last.get('skybackup_jobs_failed_total{service="orders",kind="full"}')).toBe(1);
  expect(last.get(`skybackup_backup_failed_runs${full}`)).toBe(1);
  expect(last.get('skybackup_service_verdict{service="orders"}')).toBe(1);
});

it('counts requests by route and not by what is in their paths, however many those are', async () => {
  const before = await scrape();
  for (let id = 0; id < 30; id += 1) {
    await daemon.request('GET', `/skybackup/v1/jobs/${id + 9000}`);
    await daemon.request('GET', `/nothing/${id}`);
  }
  const after = await scrape();
  const route = 'skybackup_http_requests_total{method="GET",route="/skybackup/v1/jobs/:id",status="404"}';
  expect((after.get(route) ?? 0) - (before.get(route) ?? 0)).toBe(30);
  expect(after.size - before.size).toBeLessThanOrEqual(3);
});

it('answers several scrapes at once, each with the whole', async () => {
  const counts = await Promise.all(Array.from({ length: 20 }, async () => (await scrape()).size));
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});

it('knows nothing of a service that was forgotten', async () => {
  await daemon.api.daemon.forgetService('orders');
  expect([...(await scrape()).keys()].filter((name) => name.includes('service="orders"'))).toEqual([]);
});
