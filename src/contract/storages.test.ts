import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultStorageOf } from './default-storage.ts';
import { type DefaultFor, StorageName, StorageRequest } from './storages.ts';

const service = fc.constantFrom('orders', 'shop', 'crm');
const defaults = fc.option(fc.oneof(fc.constant<DefaultFor>('all'), fc.uniqueArray(service)), { nil: undefined });
const storages = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), default_for: defaults }), {
  selector: ({ name }) => name,
});

describe('where the backups of a service go by default', () => {
  it('a storage that names it, else one for all, else the local one', () => {
    fc.assert(
      fc.property(storages, service, (list, id) => {
        const naming = list.filter(({ default_for }) => Array.isArray(default_for) && default_for.includes(id));
        const forAll = list.filter(({ default_for }) => default_for === 'all');
        const chosen = defaultStorageOf(list, id);
        const expected = naming.length > 0 ? naming : forAll;
        if (expected.length === 0) expect(chosen).toBe('local');
        else expect(expected.map(({ name }) => name)).toContain(chosen);
      }),
    );
  });
});

it('a storage is named in small letters, and never like the repository in the home', () => {
  expect(StorageName.safeParse('prod-s3').success).toBe(true);
  for (const name of ['local', 'Prod', '../prod', 'a'.repeat(41), '']) {
    expect(StorageName.safeParse(name).success, name).toBe(false);
  }
});

it('a path is a bucket or a whole folder', () => {
  const request = (path: string): boolean => StorageRequest.safeParse({ name: 'prod', path }).success;
  for (const path of ['s3://bucket', 's3://bucket/a/b', 'gs://bucket/x', 'file:///backups'])
    expect(request(path)).toBe(true);
  for (const path of ['http://bucket', 'file://host/backups', '/backups', 's3://', 's3://a b'])
    expect(request(path)).toBe(false);
});
