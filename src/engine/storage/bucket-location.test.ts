import { expect, test } from 'vitest';
import { parseBucketUrl } from './bucket-location.ts';

test.each([
  ['s3://my-bucket', 'my-bucket', ''],
  ['s3://my-bucket/', 'my-bucket', ''],
  ['s3://my.bucket/prefix', 'my.bucket', 'prefix/'],
  ['s3://my-bucket/two/parts/', 'my-bucket', 'two/parts/'],
  ['s3://my-bucket/v1.2/with space', 'my-bucket', 'v1.2/with space/'],
  ['gs://my_bucket', 'my_bucket', ''],
  ['gs://backups.example.com/prefix', 'backups.example.com', 'prefix/'],
  [`gs://${'a'.repeat(63)}.${'b'.repeat(63)}/x`, `${'a'.repeat(63)}.${'b'.repeat(63)}`, 'x/'],
])('%s is a bucket and what its keys begin with', (url, bucket, prefix) => {
  expect(parseBucketUrl(url, url.startsWith('gs') ? 'gs' : 's3')).toEqual({ bucket, prefix });
});

test.each([
  's3://',
  's3://ab',
  's3://Upper/x',
  's3://-bucket/x',
  's3://my_bucket/x',
  'gs://my-bucket/x',
  's3://my-bucket//x',
  's3://my-bucket/../x',
  's3://my-bucket/./x',
  's3://my-bucket/x?y',
  's3://my-bucket/x#y',
  's3://user:secret@host/x',
  '/srv/backups',
])('%s is not one of S3', (url) => {
  expect(() => parseBucketUrl(url, 's3')).toThrow(/is not the path of a bucket/);
});

test.each([
  'gs://',
  'gs://ab',
  'gs://Upper/x',
  'gs://bucket-',
  'gs://a..b',
  `gs://${'a'.repeat(64)}`,
  's3://my-bucket',
  'gs://my-bucket/../x',
])('%s is not one of GCS', (url) => {
  expect(() => parseBucketUrl(url, 'gs')).toThrow(/is not the path of a bucket/);
});
