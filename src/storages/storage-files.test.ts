import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { redact } from '../contract/redact.ts';
import { changeStorage, readStorages, removeStorage, type StorageFile, writeStorage } from './storage-files.ts';

let home: { storages: string };
beforeEach(() => {
  home = { storages: join(mkdtempSync(join(tmpdir(), 'skb-storages-')), 'storages') };
});
afterEach(() => rmSync(join(home.storages, '..'), { recursive: true }));

const bucket: StorageFile = { format: 1, name: 'prod', path: 's3://b/p', added_at: '2026-11-25T00:00:00Z' };
const credentials = Buffer.from('a secret of the storage files').toString('base64');
const file = (name: string): string => join(home.storages, `${name}.json`);

it('are for their owner alone, whatever the folder was before, and leave no draft behind', () => {
  mkdirSync(home.storages, { recursive: true, mode: 0o755 });
  writeStorage(home, { ...bucket, credentials });
  expect(statSync(home.storages).mode & 0o777).toBe(0o700);
  expect(statSync(file('prod')).mode & 0o777).toBe(0o600);
  expect(readdirSync(home.storages)).toEqual(['prod.json']);
});

it('are read by name, and what is secret in them is known as such', () => {
  expect(readStorages(home)).toEqual([]);
  writeStorage(home, { ...bucket, credentials });
  writeStorage(home, { ...bucket, name: 'a-first' });
  expect(readStorages(home).map(({ name }) => name)).toEqual(['a-first', 'prod']);
  expect(redact(`with ${credentials}.`)).not.toContain(credentials);
});

it.each([
  ['no JSON', '{"credentials": "never-quoted'],
  ['another format', JSON.stringify({ ...bucket, format: 2 })],
  ['an unknown member', JSON.stringify({ ...bucket, credential: 'never-quoted' })],
  ['the name of another', JSON.stringify({ ...bucket, name: 'other' })],
])('one with %s is refused by its path, and nothing in it is quoted', (_what, text) => {
  writeStorage(home, bucket);
  writeFileSync(file('prod'), text);
  let told = '';
  try {
    readStorages(home);
  } catch (error) {
    told = `${(error as Error).message}`;
    expect(error).toMatchObject({ code: 'invalid_settings', hint: expect.stringContaining('skybackup storages add') });
  }
  expect(told).toContain(file('prod'));
  expect(told).not.toContain('never-quoted');
});

it('none takes the name of the repository in the home', () => {
  mkdirSync(home.storages, { recursive: true });
  writeFileSync(file('local'), JSON.stringify({ ...bucket, name: 'local' }));
  expect(readStorages(home)).toEqual([]);
});

it('are changed as they are now, not as somebody read them before', () => {
  writeStorage(home, bucket);
  changeStorage(home, 'prod', (now) => ({ ...now, cloud_services: ['orders'] }));
  expect(changeStorage(home, 'prod', (now) => ({ ...now, default_for: 'all' }))).toMatchObject({
    cloud_services: ['orders'],
    default_for: 'all',
  });
  removeStorage(home, 'prod');
  expect(changeStorage(home, 'prod', (now) => now)).toBeUndefined();
  expect(readStorages(home)).toEqual([]);
});
