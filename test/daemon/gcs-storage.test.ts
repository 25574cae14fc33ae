import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startGcs, type TestGcs } from '../doubles/gcs.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type ManagedScene, managedScene } from './managed-scene.ts';

let gcs: TestGcs;
let daemon: TestDaemon;
let orders: ManagedScene;
beforeAll(async () => {
  gcs = await startGcs();
  daemon = await startDaemon({ env: { STORAGE_EMULATOR_HOST: `127.0.0.1:${gcs.port}` } });
  orders = await managedScene(daemon, 'orders');
});
afterAll(async () => {
  await daemon?.dispose();
  await gcs?.stop();
});

const path = (prefix: string) => `gs://${gcs.bucket}/${prefix}` as const;
const keyFile = (more = {}): string =>
  Buffer.from(JSON.stringify({ ...gcs.credentials.key, ...more })).toString('base64');

it('a bucket of GCS is tried out before it is registered, and what is wrong is named', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const add = (credentials: string) =>
    daemon.api.daemon.addStorage({ name: 'prod-gcs', path: path('prod'), credentials });
  await expect(add(keyFile({ private_key }))).rejects.toMatchObject({
    code: 'storage_failed',
    message: expect.stringContaining('invalid_grant'),
  });
  await add(keyFile());
  expect(await daemon.api.daemon.checkStorage('prod-gcs')).toMatchObject({ name: 'prod-gcs', remarks: [] });
  for (const line of private_key.split('\n').filter(({ length }) => length > 30))
    expect(daemon.log()).not.toContain(line);
});

it('the bucket of a request takes a backup as the documentation asks for it, and a restore brings it back', async () => {
  const bucket = { path: path('own-bucket'), credentials: keyFile() };
  const request = { backup_type: 'full', schedule: 'once', service_id: 'orders', external_storage: { bucket } };
  const { status, body } = await daemon.request('POST', '/skybackup/v1/backups/schedules', request);
  expect(status).toBe(200);
  const taken = await daemon.ended(Number(body.job_id));
  expect(taken, JSON.stringify(taken.error)).toMatchObject({ status: 'Succeeded' });
  const sums = await orders.checksums();
  const objects: string[] = [];
  for await (const { key } of gcs.store({ prefix: 'own-bucket' }).list('v1/')) objects.push(key);
  expect(objects).toHaveLength(2);
  await orders.sql('CREATE TABLE shop.later (id INT PRIMARY KEY)');
  expect(await orders.checksums()).not.toEqual(sums);
  const { job_id = 0 } = await daemon.api.createRestore({ service_id: 'orders', backup_id: taken.backup_id ?? '' });
  const restored = await daemon.ended(job_id);
  expect(restored, JSON.stringify(restored.error)).toMatchObject({ status: 'Succeeded' });
  expect(await orders.checksums()).toEqual(sums);
  expect(gcs.uploads()).toEqual([]);
});
