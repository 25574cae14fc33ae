import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import { openRepository } from '../../src/engine/repository/open.ts';
import { localDirectory } from '../../src/engine/storage/local-directory.ts';
import { recordBackup } from '../../src/engine/store/reconcile-catalogue.ts';
import { openState, type StateStore } from '../../src/engine/store/state-store.ts';
import { type TestHome, temporaryHome } from '../servers/managed.ts';
import { backupIdOf, objectKeyOf, sampleManifest } from './repository/sample-manifest.ts';

let home: TestHome;
let engine: Engine | undefined;
let said: string[];
beforeEach(() => {
  home = temporaryHome();
  said = [];
});
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
  await home.dispose();
});

async function start(): Promise<Engine> {
  engine = await startEngine({ home: home.home, startedBy: 'person', log: (_level, message) => said.push(message) });
  return engine;
}

async function stop(): Promise<void> {
  await engine?.stop();
  engine = undefined;
}

const inRepository = (number: number): string => join(home.home.repository, objectKeyOf(backupIdOf(number)));

async function put(number: number, publish: boolean, started_at?: string) {
  const repository = openRepository(localDirectory(home.home.repository));
  const id = backupIdOf(number);
  const body = Readable.from([Buffer.from(`backup ${number}`)]);
  const object = await repository.putObject(objectKeyOf(id), body, new AbortController().signal);
  const sample = sampleManifest(id, object);
  const times = { started_at, ended_at: started_at, point_in_time: started_at };
  const manifest = started_at === undefined ? sample : { ...sample, ...times };
  if (publish) await repository.publish(manifest as typeof sample);
  return manifest as typeof sample;
}

function inState(work: (state: StateStore) => void): void {
  const state = openState(home.home.state);
  work(state);
  state.close();
}

function begin(state: StateStore, number: number): void {
  const names = { service_id: 'shop', service_name: 'shop', type: 'full', method: 'mariabackup' };
  state.backups.begin({ ...names, id: backupIdOf(number), job_id: number, storage: 'local' });
}

const statusOf = (number: number): string | undefined => engine?.backups.get(backupIdOf(number)).status;

it('knows everything before it serves where the state is new, and only then', async () => {
  for (const number of [1, 2, 3]) await put(number, true);
  await start();
  expect([1, 2, 3].map(statusOf)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
  await stop();

  await appendFile(inRepository(1), 'more');
  await put(4, true);
  const { begin: serve, settled } = await start();
  // Not looked at yet: a home with many backups would wait long for its daemon.
  expect(statusOf(1)).toBe('Succeeded');
  serve();
  await settled();
  expect([1, 2, 3, 4].map(statusOf)).toEqual(['Failed', 'Succeeded', 'Succeeded', 'Succeeded']);
});

it('begins anew with a first look that was cut short', async () => {
  await put(1, true);
  inState(() => undefined);
  await start();
  expect(statusOf(1)).toBe('Succeeded');
});

it('has settled what was running before it serves: published or not, and what that left behind is gone', async () => {
  await start();
  await stop();
  await put(1, true);
  await put(2, false);
  inState((state) => {
    for (const number of [1, 2]) begin(state, number);
  });
  await start();
  expect([1, 2].map(statusOf)).toEqual(['Succeeded', 'Failed']);
  expect(existsSync(inRepository(1))).toBe(true);
  expect(existsSync(inRepository(2))).toBe(false);
});

it('sweeps what nobody knows of while it serves', async () => {
  await start();
  await stop();
  await put(1, false);
  const { begin: serve, settled } = await start();
  expect(existsSync(inRepository(1))).toBe(true);
  serve();
  await settled();
  expect(existsSync(inRepository(1))).toBe(false);
});

it('lets nothing expire before the catalogue is right', async () => {
  await start();
  await stop();
  const old = await put(1, true, '2020-01-01T00:00:00Z');
  const young = await put(2, true);
  inState((state) => {
    const created_at = new Date().toISOString();
    const service = { id: 'shop', name: 'shop', control: { kind: 'none' as const }, connection: { socket: '/s' } };
    state.services.add({ ...service, datadir: undefined, incarnation: 'one', created_at });
    for (const manifest of [old, young]) recordBackup(state, manifest);
    state.retention.setPolicy('shop', { max_age: '10d' });
  });
  const { begin: serve } = await start();
  serve();
  await expect.poll(() => said, { timeout: 20_000 }).toContain('a backup was deleted');
  expect(said.indexOf('the catalogue agrees with the repository')).toBeLessThan(said.indexOf('a backup was deleted'));
});

it('ends in the middle without a word, and goes on after the next start', async () => {
  await start();
  await stop();
  for (let number = 1; number <= 30; number += 1) await put(number, true);
  said = [];
  (await start()).begin();
  await stop();
  expect(said).not.toContain('the catalogue agrees with the repository');
  expect(said.join()).not.toContain('could not');
  const { begin: serve, settled } = await start();
  serve();
  await settled();
  expect(engine?.backups.list({}).count).toBe(30);
});
