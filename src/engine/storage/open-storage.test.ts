import { expect, test } from 'vitest';
import { encodeS3Credentials } from '../../contract/credentials.ts';
import { openStorage } from './open-storage.ts';

const credentials = encodeS3Credentials({ access_key_id: 'key', secret_access_key: 'a secret of twenty' });

test('a path tells which kind of store it is', () => {
  expect(openStorage({ path: 's3://my-bucket/prefix', credentials }).url).toBe('s3://my-bucket/prefix');
  expect(openStorage({ path: 's3://my-bucket' }).url).toBe('s3://my-bucket');
  expect(openStorage({ path: 'file:///srv/backups' }).url).toBe('file:///srv/backups');
});

test('what cannot be opened is refused, and no credentials are quoted', () => {
  for (const path of ['ftp://host/x', '/srv/backups', 'bucket']) {
    expect(() => openStorage({ path })).toThrow('is not the path of a storage');
  }
  expect(() => openStorage({ path: 'file:///srv/backups', credentials })).toThrow('not of the kind that file:// takes');
});
