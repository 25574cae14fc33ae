import { SkybackupError } from '../../../contract/errors.ts';
import type { FailureFacts } from '../failure.ts';
import { isLineTrouble, lineReasons, type Reason } from '../line-trouble.ts';

/** What an error of the SDK is told by; only this is ever kept of it, since its other fields hold signed requests. */
interface SdkError {
  name?: string;
  code?: string;
  message?: string;
  Code?: string;
  /** Of the bucket, where a server says it. */
  Region?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string; clockSkewCorrected?: boolean };
}

const rights =
  's3:ListBucket, s3:ListBucketMultipartUploads, s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts';
const wrongRegion = {
  says: 'the bucket is in another region',
  hint: "Write the bucket's region into the credentials, as region = …, and try again.",
};
const wrongKey = {
  says: 'the storage does not know the access key, or the secret key is not the one that belongs to it',
  hint: 'Give the storage its access key and secret key anew, copied whole.',
};
const full = {
  says: 'the storage is full',
  hint: 'Raise its quota or remove what is no longer needed, then try again.',
  code: 'no_space' as const,
};
const expired = {
  says: 'the session token is no longer valid',
  hint: 'Get new temporary credentials and give them to the storage.',
};
const tooBusy = { says: 'the storage asked again and again to slow down', hint: 'Try again later.' };
const noRegion = {
  says: "the bucket's region is not known",
  hint: "Write the bucket's region into the credentials, as region = …, or set AWS_REGION of the daemon.",
};

/** The server's or the system's word for what went wrong → ours. */
const reasons: Record<string, Reason> = {
  ...lineReasons,
  NoSuchBucket: {
    says: 'there is no such bucket',
    hint: "Create the bucket, or correct its name or the storage's address.",
  },
  InvalidBucketName: { says: 'that cannot be the name of a bucket', hint: "Correct the bucket's name." },
  AccessDenied: { says: 'the access key may not do that', hint: `Give it on this bucket: ${rights}.` },
  InvalidAccessKeyId: wrongKey,
  SignatureDoesNotMatch: wrongKey,
  ExpiredToken: expired,
  InvalidToken: expired,
  CredentialsProviderError: {
    says: 'no credentials were given and the machine has none of its own',
    hint: "Give the storage credentials, or the daemon's machine a role that may use the bucket.",
  },
  RequestTimeTooSkewed: {
    says: "this machine's clock differs from the storage's by more than 15 minutes",
    hint: "Set the machine's clock, best by NTP, and try again.",
  },
  ERR_INVALID_URL: { says: 'its address is no URL', hint: 'Write endpoint_url as https://host or https://host:port.' },
  RegionMissing: noRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  PermanentRedirect: wrongRegion,
  TemporaryRedirect: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  EntityTooSmall: {
    says: 'the storage takes no parts as small as they were sent',
    hint: 'Use a storage that takes parts of 8 MiB, as S3 does.',
  },
  EntityTooLarge: { says: 'the storage takes no object so large', hint: 'Use a storage that takes larger objects.' },
  InvalidObjectState: {
    says: 'the object was moved to an archive class',
    hint: 'Have the storage restore it from the archive, then try again.',
  },
  PreconditionFailed: { says: 'it was replaced while it was read', hint: 'Try again.' },
  InsufficientStorage: full,
  QuotaExceeded: full,
  XMinioStorageFull: full,
  SlowDown: tooBusy,
  ServiceUnavailable: tooBusy,
  TooManyRequests: tooBusy,
};

/** Where an answer has no body, as that of HEAD, its status is all there is. */
const byStatus: Record<number, string> = {
  301: 'PermanentRedirect',
  403: 'AccessDenied',
  412: 'PreconditionFailed',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  507: 'InsufficientStorage',
};

/** What may pass by itself: the server's bad moments, broken connections, bytes that were damaged on their way. */
const passing = new Set([
  'SlowDown',
  // An answer that began as a success may end as one of these.
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'OperationAborted',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
]);
const notPassing = new Set(['NotImplemented', 'InsufficientStorage', 'QuotaExceeded', 'XMinioStorageFull']);

/** The server's own word, else the system's. */
export function wordOf(error: unknown): string {
  const { Code, name, code, message, $metadata } = error as SdkError;
  if (message === 'Region is missing') return 'RegionMissing';
  const status = $metadata?.httpStatusCode ?? 0;
  const named = [Code, code, name].find((word) => word !== undefined && word !== 'Unknown' && word !== 'Error');
  if (status === 412) return 'PreconditionFailed';
  return named !== undefined && !/^\d+$/.test(named) ? named : (byStatus[status] ?? `HTTP ${status}`);
}

/** Whether the same request may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  const { $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? 0;
  const word = wordOf(error);
  if (notPassing.has(word)) return false;
  if (isLineTrouble(word) || passing.has(word)) return true;
  return status === 429 || status >= 500 || !!$metadata?.clockSkewCorrected;
}

/** Whether the answer was that there is nothing of that name; a bucket that is missing is another matter. */
export function isAbsent(error: unknown): boolean {
  return ['NoSuchKey', 'NotFound'].includes(wordOf(error));
}

/**
 * An error of the SDK as ours; what is none of its errors passes through. Nothing else of it is kept: the requests that it
 * quotes carry keys and signatures.
 */
export function s3Failure(error: unknown, facts: FailureFacts): unknown {
  if (error instanceof SkybackupError) return error;
  if (facts.signal?.aborted) return new SkybackupError('cancelled', `The work on ${facts.key} was cancelled.`);
  const what = facts.key === '' ? facts.url : `${facts.key} in ${facts.url}`;
  if (isAbsent(error)) return new SkybackupError('not_found', `There is no ${what}.`);
  const { Region, $metadata } = error as SdkError;
  const word = wordOf(error);
  const locked = word === 'AccessDenied' && facts.action === 'deleted';
  const reason = locked
    ? {
        says: "the access key may not delete, or the bucket's object lock still keeps it",
        hint: "Wait until the lock's time is over, or give the access key s3:DeleteObject on this bucket.",
      }
    : reasons[word];
  if (reason === undefined && $metadata === undefined && !isLineTrouble(word)) return error;
  const says = reason?.says ?? 'the storage refused';
  return new SkybackupError(
    reason?.code ?? 'storage_failed',
    `${what} could not be ${facts.action}: ${says} (${word}).`,
    {
      ...(reason === undefined ? {} : { hint: hintFor(reason, Region) }),
      retryable: isPassing(error),
      details: { reason: word, status: $metadata?.httpStatusCode ?? null, request_id: $metadata?.requestId ?? null },
    },
  );
}

function hintFor(reason: Reason, region: string | undefined): string {
  if (reason !== wrongRegion || region === undefined) return reason.hint;
  return `The bucket is in ${region}: write region = ${region} into the credentials, and try again.`;
}
