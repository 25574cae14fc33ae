import { expect, test } from 'vitest';
import { parseBucketUrl } from './location.ts';

test.each([
  ['s3://my-bucket', 'my-bucket', ''],
  ['s3://my-bucket/', 'my-bucket', ''],
  ['s3://my.bucket/prefix', 'my.bucket', 'prefix/'],
  ['s3://my-bucket/two/parts/', 'my-bucket', 'two/parts/'],
  ['s3://my-bucket/v1.2/with space', 'my-bucket', 'v1.2/with space/'],
])('%s is a bucket and what its keys begin with', (url, bucket, prefix) => {
  expect(parseBucketUrl(url)).toEqual({ bucket, prefix });
});

test.each([
  's3://',
  's3://ab',
  's3://Upper/x',
  's3://-bucket/x',
  'gs://my-bucket/x',
  's3://my-bucket//x',
  's3://my-bucket/../x',
  's3://my-bucket/./x',
  's3://my-bucket/x?y',
  's3://my-bucket/x#y',
  's3://user:secret@host/x',
  '/srv/backups',
])('%s is not', (url) => {
  expect(() => parseBucketUrl(url)).toThrow(/is not the path of a bucket/);
});
