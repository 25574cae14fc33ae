import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeS3Credentials } from '../../contract/credentials.ts';
import { openStorage } from './open-storage.ts';

const credentials = encodeS3Credentials({ access_key_id: 'key', secret_access_key: 'a secret of twenty' });

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const keyFile = (more = {}): string =>
  Buffer.from(
    JSON.stringify({ type: 'service_account', client_email: 'a@b.example', private_key: pem, ...more }),
  ).toString('base64');

test('a path tells which kind of store it is', () => {
  expect(openStorage({ path: 's3://my-bucket/prefix', credentials }).url).toBe('s3://my-bucket/prefix');
  expect(openStorage({ path: 's3://my-bucket' }).url).toBe('s3://my-bucket');
  expect(openStorage({ path: 'gs://my-bucket/prefix', credentials: keyFile() }).url).toBe('gs://my-bucket/prefix');
  expect(openStorage({ path: 'gs://my-bucket' }).url).toBe('gs://my-bucket');
  expect(openStorage({ path: 'file:///srv/backups' }).url).toBe('file:///srv/backups');
});

test('what cannot be opened is refused, and no credentials are quoted', () => {
  for (const path of ['ftp://host/x', '/srv/backups', 'bucket']) {
    expect(() => openStorage({ path })).toThrow('is not the path of a storage');
  }
  expect(() => openStorage({ path: 'file:///srv/backups', credentials })).toThrow('not of the kind that file:// takes');
  expect(() => openStorage({ path: 'gs://my-bucket', credentials })).toThrow('not of the kind that gs:// takes');
  expect(() => openStorage({ path: 's3://my-bucket', credentials: keyFile() })).toThrow(
    'not of the kind that s3:// takes',
  );
});

test.each([
  ['a private key that was cut short', { private_key: pem.slice(0, 400) }, 'private_key is not whole'],
  [
    'a private key of another kind',
    { private_key: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) },
    'not an RSA key',
  ],
  ['a token endpoint that is no address', { token_uri: 'file:///etc/passwd' }, 'token_uri is not what it should be'],
  ['a universe that is no host', { universe_domain: 'host/path?' }, 'universe_domain is not what it should be'],
])('a service-account key with %s is refused, and not quoted', (_, more, says) => {
  const opening = () => openStorage({ path: 'gs://my-bucket', credentials: keyFile(more) });
  expect(opening).toThrow(says);
  expect(opening).not.toThrow(pem.slice(60, 90));
});

test('a private key whose line ends were written as two characters is whole', () => {
  const credentials = keyFile({ private_key: pem.replaceAll('\n', '\\n') });
  expect(openStorage({ path: 'gs://my-bucket', credentials }).url).toBe('gs://my-bucket');
});
