import { afterAll, beforeAll, expect, it } from 'vitest';
import { startMariadbd, type TestMariadbd } from '../servers/mariadbd.ts';
import { type LocalDaemon, localDaemon } from './local-daemon.ts';

let daemon: LocalDaemon;
let server: TestMariadbd;

beforeAll(async () => {
  [daemon, server] = await Promise.all([localDaemon(), startMariadbd({ tcp: true })]);
  await server.sql(
    'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (1), (2)',
  );
  const place = ['--host', '127.0.0.1', '--port', String(server.port), '--user', 'root'];
  await daemon.cli(['services', 'add', 'far', ...place, '--no-nightly']);
});
afterAll(() => Promise.all([daemon.stop(), server.stop()]));

it('a server without a data directory takes a dump back: the form says how, the answer names the way back, and there is no undo', async () => {
  const client = await daemon.client('modern');
  const started = await client.call('create_backup', { service: 'far', type: 'dump' });
  const dump = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
  await server.sql('DELETE FROM shop.orders WHERE id = 2; CREATE DATABASE stray');

  const request = { service: 'far', backup: String(dump.data.backup_id) };
  const without = await client.ask('restore_backup', { ...request, safety_dump: false });
  expect(without.message).toContain('the safety dump was declined');
  await without.answer('decline');
  const asking = await client.ask('restore_backup', request);
  expect(asking.message).toContain('Import the dump');
  expect(asking.message).toContain('It is not atomic');
  expect(asking.message).toContain('Before the first change a dump of far is taken');
  const restore = await asking.answer('accept', { typed_id: 'far' });
  const after = await client.call('wait_for', restore.data.wait_for as Record<string, unknown>);
  const safety = String(after.data.safety_backup_id);
  expect(after).toMatchObject({
    data: { finished: true, outcome: 'done', service_status: 'ready', partly_replaced: false },
  });
  expect(after.text).toContain(`To go back, restore_backup with backup "${safety}" and service "far"`);
  expect(await server.sql("SELECT COUNT(*) FROM shop.orders; SHOW DATABASES LIKE 'stray'")).toBe('2');

  const undo = await client.call('undo_restore', { id: Number(restore.data.id) });
  expect(undo).toMatchObject({ isError: true, data: { error: { code: 'nothing_to_undo' } } });
  expect(undo.text).toContain(safety);
});

it('an import that ends early is told as one that left the service partly replaced', async () => {
  const client = await daemon.client('modern');
  await server.sql(
    'USE shop; CREATE TABLE shop.wide (id INT PRIMARY KEY, pad LONGBLOB); INSERT INTO shop.wide SELECT seq, RANDOM_BYTES(1024) FROM seq_1_to_1000; INSERT INTO shop.wide SELECT seq, REPEAT(RANDOM_BYTES(1024), 256) FROM seq_2000_to_2060',
  );
  const started = await client.call('create_backup', { service: 'far', type: 'dump' });
  const dump = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
  const asking = await client.ask('restore_backup', { service: 'far', backup: String(dump.data.backup_id) });
  const restore = await asking.answer('accept', { typed_id: 'far' });
  // The last of its tables: missing from the first change until nearly the end.
  const wide = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'wide'";
  const gone = async (): Promise<boolean> => (await server.sql(wide)) === '0';
  await expect.poll(gone, { interval: 1, timeout: 30_000 }).toBe(true);
  // A cancel there would leave half of it, which no person was asked about.
  const jobId = Number(restore.data.job_id);
  expect(await client.call('cancel_job', { job_id: jobId })).toMatchObject({
    isError: true,
    data: { error: { code: 'conflict', message: expect.stringContaining('partly replaced') } },
  });
  expect(await client.call('wait_for', { kind: 'job', id: jobId, timeout: 0 })).toMatchObject({
    data: { outcome: 'in_progress' },
  });
  await server.down(false);
  await server.up();
  const after = await client.call('wait_for', restore.data.wait_for as Record<string, unknown>);
  expect(after).toMatchObject({ data: { finished: true, outcome: 'failed', partly_replaced: true } });
  expect(after.text).toContain('PARTLY REPLACED');
  expect(after.text).toContain(`restore_backup with backup "${after.data.safety_backup_id}"`);
});
