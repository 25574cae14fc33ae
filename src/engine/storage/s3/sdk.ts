import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Credentials } from '../../../contract/credentials.ts';

export interface S3Access {
  bucket: string;
  /** Without them: what the SDK finds in the environment, in its files, or as the machine's own role. */
  credentials?: Omit<S3Credentials, 'kind'> | undefined;
  connectMs: number;
  /** A connection over which nothing moves for so long is given up. */
  stallMs: number;
}

type Input<Command extends new (input: never) => unknown> = Omit<ConstructorParameters<Command>[0], 'Bucket'>;
type Signal = AbortSignal | undefined;

/**
 * The only file that touches the SDK. It is loaded by the first request: neither the daemon's start nor MCP needs it.
 * Every call is one try: retries are our own, since they must also resume what is half done.
 */
export function s3Calls(access: S3Access) {
  const client = new S3Client(configuration(access));
  const Bucket = access.bucket;
  const within = (signal: Signal) => (signal === undefined ? {} : { abortSignal: signal });
  return {
    head: (input: Input<typeof HeadObjectCommand>, signal: Signal) =>
      client.send(new HeadObjectCommand({ Bucket, ...input }), within(signal)),
    get: (input: Input<typeof GetObjectCommand>, signal: Signal) =>
      client.send(new GetObjectCommand({ Bucket, ...input }), within(signal)),
    objectLock: (input: Input<typeof GetObjectLockConfigurationCommand>, signal: Signal) =>
      client.send(new GetObjectLockConfigurationCommand({ Bucket, ...input }), within(signal)),
    list: (input: Input<typeof ListObjectsV2Command>, signal: Signal) =>
      client.send(new ListObjectsV2Command({ Bucket, ...input }), within(signal)),
    remove: (input: Input<typeof DeleteObjectCommand>, signal: Signal) =>
      client.send(new DeleteObjectCommand({ Bucket, ...input }), within(signal)),
    put: (input: Input<typeof PutObjectCommand>, sha256: string, signal: Signal) => {
      const command = new PutObjectCommand({ Bucket, ...input });
      command.middlewareStack.add(payloadHash(sha256), atBuild);
      return client.send(command, within(signal));
    },
    createUpload: (input: Input<typeof CreateMultipartUploadCommand>, signal: Signal) =>
      client.send(new CreateMultipartUploadCommand({ Bucket, ...input }), within(signal)),
    uploadPart: (input: Input<typeof UploadPartCommand>, sha256: string, signal: Signal) => {
      const command = new UploadPartCommand({ Bucket, ...input });
      command.middlewareStack.add(payloadHash(sha256), atBuild);
      return client.send(command, within(signal));
    },
    completeUpload: (input: Input<typeof CompleteMultipartUploadCommand>, signal: Signal) =>
      client.send(new CompleteMultipartUploadCommand({ Bucket, ...input }), within(signal)),
    abortUpload: (input: Input<typeof AbortMultipartUploadCommand>, signal: Signal) =>
      client.send(new AbortMultipartUploadCommand({ Bucket, ...input }), within(signal)),
    listUploads: (input: Input<typeof ListMultipartUploadsCommand>, signal: Signal) =>
      client.send(new ListMultipartUploadsCommand({ Bucket, ...input }), within(signal)),
    listParts: (input: Input<typeof ListPartsCommand>, signal: Signal) =>
      client.send(new ListPartsCommand({ Bucket, ...input }), within(signal)),
    /** By how much the server's clock is ahead of this machine's, as far as answers told. */
    clockOffsetMs: () => client.config.systemClockOffset,
  };
}
export type S3Calls = ReturnType<typeof s3Calls>;

function configuration({ credentials, connectMs, stallMs }: S3Access) {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const endpoint = credentials?.endpoint_url ?? (AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL);
  const elsewhere = endpoint !== undefined && !/\.amazonaws\.com(\.cn)?(:\d+)?\/?$/.test(endpoint);
  const region = credentials?.region ?? (AWS_REGION || AWS_DEFAULT_REGION || (elsewhere ? 'us-east-1' : undefined));
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.access_key_id,
            secretAccessKey: credentials.secret_access_key,
            ...(credentials.session_token === undefined ? {} : { sessionToken: credentials.session_token }),
          },
        }),
    // Few servers other than AWS have a name for each bucket.
    forcePathStyle: elsewhere,
    // Other servers refuse the SDK's own checksums. The signed hash below is checked by all.
    requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    responseChecksumValidation: 'WHEN_REQUIRED' as const,
    // It would cost each part a connection of its own.
    expectContinueHeader: false,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: connectMs, socketTimeout: stallMs },
  };
}

const atBuild = { step: 'build', name: 'payloadHash' } as const;

/** Signs the bytes' hash with the request: the SDK would hash them once more, in one long step. */
function payloadHash(sha256: string) {
  return <Args extends { request: unknown }, Answer>(next: (args: Args) => Promise<Answer>) =>
    (args: Args): Promise<Answer> => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
      return next(args);
    };
}
