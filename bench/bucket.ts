import { join } from 'node:path';
import { encodeS3Credentials } from '../src/contract/credentials.ts';
import { startS3, type TestS3 } from '../test/servers/swift-s3.ts';
import { startTcpProxy } from '../test/servers/tcp-proxy.ts';
import { type DaemonUnderTest, startDaemon } from './daemon.ts';

/** A daemon whose backups go to a real S3 server on this machine, and the same bucket for who does it by hand. */
export interface BucketUnderTest {
  under: DaemonUnderTest;
  s3: TestS3;
  /** The environment in which the SDK finds server and credentials. */
  env: Record<string, string>;
  /** The command that runs a program of this folder on an object of the bucket. */
  plain(program: 'upload' | 'download', key: string): string;
  /** What the data of a backup are called in the bucket. */
  keyOf(backupId: string): string;
  dispose(): Promise<void>;
}

/** `megabytes`: what each connection may carry a second, as a network would have it; 0 is as fast as this machine is. */
export async function startWithBucket({ megabytes }: { megabytes: number }): Promise<BucketUnderTest> {
  const s3 = await startS3();
  const line = await startTcpProxy(s3.port);
  if (megabytes > 0) line.bytesPerSecond = megabytes * 1e6;
  const under = await startDaemon();
  const { access_key_id, secret_access_key, region = '' } = s3.credentials;
  const endpoint_url = `http://127.0.0.1:${megabytes > 0 ? line.port : s3.port}`;
  const credentials = encodeS3Credentials({ ...s3.credentials, endpoint_url });
  await under.api.daemon?.addStorage({
    name: 'bucket',
    path: `s3://${s3.bucket}/bench`,
    credentials,
    default_for: 'all',
  });
  return {
    under,
    s3,
    env: {
      AWS_ACCESS_KEY_ID: access_key_id,
      AWS_SECRET_ACCESS_KEY: secret_access_key,
      AWS_REGION: region,
      AWS_ENDPOINT_URL: endpoint_url,
    },
    plain: (program, key) =>
      `'${process.execPath}' '${join(import.meta.dirname, `plain-${program}.ts`)}' '${s3.bucket}' '${key}'`,
    keyOf: (backupId) => `bench/v1/${under.service}/${backupId.split(':')[0]}/data.xbstream.zst`,
    async dispose() {
      await under.dispose();
      await line.stop();
      await s3.stop();
    },
  };
}
