import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { daemonHealth } from '../../src/client/start-daemon.ts';
import { entry } from '../cli/run-cli.ts';
import { cleanEnvironment, startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let folder: string;
let ids: string[];
beforeAll(async () => {
  daemon = await startDaemon();
  folder = join(daemon.home.root, 'places', 'disk');
  await managedScene(daemon, 'orders');
  await daemon.api.daemon.addStorage({ name: 'disk', path: `file://${folder}` });
  await takeBackup(daemon, 'orders');
  await daemon.api.daemon.setStorageDefault('disk', ['orders']);
  await takeBackup(daemon, 'orders');
  ids = await listed();
});
afterAll(() => daemon.dispose());

const listed = async (): Promise<string[]> =>
  (await daemon.api.listBackups({ status: 'Succeeded', page_size: 100 })).items.map(({ id }) => id).sort();
const storages = async () => (await daemon.api.listStorages()).map(({ name, backups }) => [name, backups]);

it('serve --rebuild finds every backup again in all storages before it serves, and keeps all else', async () => {
  expect(ids).toHaveLength(2);
  await daemon.stop();
  // A list that somebody has spoilt: one is missing, of the other it says nonsense.
  const state = new DatabaseSync(daemon.home.state);
  state.prepare('DELETE FROM backups WHERE id = ?').run(ids[0] ?? '');
  state.prepare("UPDATE backups SET storage_bytes = 1, type = 'dump' WHERE id = ?").run(ids[1] ?? '');
  state.close();
  daemon = await daemon.restart({ args: ['--rebuild'] });
  expect(await listed()).toEqual(ids);
  expect((await daemon.api.listBackups({})).items.map(({ type }) => type)).toEqual(['full', 'full']);
  expect((await daemon.api.listServices()).map(({ id }) => id)).toEqual(['orders']);
  expect(await storages()).toEqual([
    ['local', 1],
    ['disk', 1],
  ]);
});

it('a storage out of reach is named, its backups stay on the list, and serving goes on; health and metrics warn', async () => {
  await daemon.stop();
  renameSync(folder, `${folder}.away`);
  writeFileSync(folder, 'no folder');
  const env = { ...cleanEnvironment(), SKYBACKUP_HOME: daemon.home.root };
  const serve = spawn(process.execPath, [entry, 'serve', '--rebuild'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = text(serve.stderr);
  await once(serve.stdout, 'data');
  const ended = once(serve, 'exit');
  serve.kill('SIGTERM');
  await ended;
  expect(await said).toMatch(/Found again in storage local .*: 1 backups\./);
  expect(await said).toMatch(/Storage disk .* is out of reach, and is searched as soon as it answers: /);
  expect(await daemonHealth(daemon.home)).toBeUndefined();

  daemon = await daemon.restart({ args: ['--listen', '127.0.0.1:0'] });
  expect(await listed()).toEqual(ids);
  const { reasons = [], verdict } = (await daemon.api.getHealth('orders')).services[0] ?? {};
  expect(verdict).not.toBe('ok');
  expect(reasons).toContainEqual(
    expect.objectContaining({
      code: 'storage_out_of_reach',
      level: 'warning',
      message: expect.stringContaining('Storage disk is out of reach, and backups of orders lie there'),
      next: expect.stringContaining('skybackup storages check disk'),
    }),
  );
  const { key } = await daemon.api.daemon.createKey({ role: 'viewer' });
  const metrics = async (): Promise<string> =>
    (await fetch(`${daemon.url()}/metrics`, { headers: { 'x-api-key': key } })).text();
  expect(await metrics()).toContain('skybackup_storage_up{storage="disk"} 0');
  expect(await metrics()).toContain('skybackup_storage_up{storage="local"} 1');

  rmSync(folder);
  renameSync(`${folder}.away`, folder);
  await daemon.api.daemon.checkStorage('disk');
  expect((await daemon.api.getHealth('orders')).services[0]?.reasons.map(({ code }) => code)).not.toContain(
    'storage_out_of_reach',
  );
  expect(await metrics()).toMatch(/skybackup_storage_free_bytes\{storage="disk"\} \d{4,}/);
});
