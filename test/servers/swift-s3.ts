import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Credentials } from '../../src/contract/credentials.ts';
import type { ObjectStore } from '../../src/engine/storage/object-store.ts';
import { type S3Options, s3Store } from '../../src/engine/storage/s3/s3-store.ts';

export interface TestS3 {
  readonly port: number;
  readonly bucket: string;
  /** The right ones, with the server's own address. */
  readonly credentials: Omit<S3Credentials, 'kind'>;
  /** For what the store under test cannot tell. */
  readonly client: S3Client;
  /** A store in the bucket, under a prefix of its own unless one is given. `port`: of a proxy in between. */
  store(options?: S3Options & { prefix?: string; port?: number }): ObjectStore;
  /** Names of the unfinished uploads in the bucket, under a prefix. */
  uploads(prefix?: string): Promise<string[]>;
  /** SIGKILL, as in a crash; the objects stay. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port. */
  up(): Promise<void>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** Debian's own: there its modules are. */
const python = '/usr/bin/python3';
const script = join(import.meta.dirname, 'swift-s3.py');
const account = { access_key_id: 'test:backup', secret_access_key: 'a-secret-of-the-tests', region: 'us-east-1' };

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A real S3 server (OpenStack Swift) with one bucket. `smallestPart`: servers and AWS have 5 MiB. */
export async function startS3({ smallestPart = 5 * 1024 * 1024 } = {}): Promise<TestS3> {
  const root = await mkdtemp(join(tmpdir(), 'skb-s3-'));
  const log = join(root, 'log');
  let child: ChildProcess | undefined;
  let port = 0;

  const up = async (): Promise<void> => {
    const output = openSync(log, 'a', 0o600);
    const { access_key_id, secret_access_key } = account;
    const args = [script, root, String(port), access_key_id, secret_access_key, String(smallestPart)];
    const started = spawn(python, args, { stdio: ['pipe', 'pipe', output] });
    closeSync(output);
    child = started;
    running.add(started);
    const ended = once(started, 'exit').then(() => running.delete(started));
    const ready = new Promise<number>((resolve) => {
      let said = '';
      started.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const [, at] = /^ready (\d+)\n/m.exec(said) ?? [];
        if (at !== undefined) resolve(Number(at));
      });
    });
    const first = await Promise.race([ready, ended]);
    if (typeof first !== 'number')
      throw new Error(`the S3 server did not start: ${readFileSync(log, 'utf8').slice(-3000)}`);
    port = first;
  };
  const kill = async (): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    ending.kill('SIGKILL');
    await once(ending, 'exit');
  };
  const stop = async (): Promise<void> => {
    client?.destroy();
    await kill();
    await rm(root, { recursive: true, force: true });
  };

  let client: S3Client | undefined;
  try {
    await up();
    const bucket = `backups-${randomUUID()}`;
    const credentials = { ...account, endpoint_url: `http://127.0.0.1:${port}` };
    const raw = new S3Client({
      endpoint: credentials.endpoint_url,
      region: account.region,
      forcePathStyle: true,
      credentials: { accessKeyId: account.access_key_id, secretAccessKey: account.secret_access_key },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    client = raw;
    await raw.send(new CreateBucketCommand({ Bucket: bucket }));
    return {
      port,
      bucket,
      credentials,
      client: raw,
      store: ({ prefix = randomUUID(), port: through = port, ...options } = {}) =>
        s3Store(`s3://${bucket}/${prefix}`, {
          credentials: { ...credentials, endpoint_url: `http://127.0.0.1:${through}` },
          patience: { tries: 8, firstWaitMs: 20, longestWaitMs: 1000 },
          ...options,
        }),
      uploads: async (prefix = '') => {
        const { Uploads = [] } = await raw.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
        return Uploads.map(({ Key = '' }) => Key);
      },
      kill,
      up,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
