// The plain thing beside a restore from S3: one object to standard output. Arguments: bucket, key; the rest from the environment,
// as the SDK reads it.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';

const [, , Bucket = '', Key = ''] = process.argv;
const client = new S3Client({ forcePathStyle: true, responseChecksumValidation: 'WHEN_REQUIRED' });
const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
if (!(Body instanceof Readable)) throw new Error('a body is a stream');
await pipeline(Body, process.stdout);
