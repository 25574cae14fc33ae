// The plain thing beside a backup to S3: standard input to an object by the SDK's own uploader. Arguments: bucket, key; the rest
// from the environment, as the SDK reads it.
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

const [, , Bucket = '', Key = ''] = process.argv;
const client = new S3Client({
  forcePathStyle: true,
  // The S3 server of the tests knows no other checksums.
  requestChecksumCalculation: 'WHEN_REQUIRED',
});
await new Upload({ client, params: { Bucket, Key, Body: process.stdin } }).done();
