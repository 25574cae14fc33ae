import { SkybackupError } from '../../../contract/errors.ts';
import type { FailureFacts } from '../failure.ts';
import { isLineTrouble, lineReasons, type Reason } from '../line-trouble.ts';
import { Refusal } from './refusal.ts';

const role = 'the role Storage Object User (roles/storage.objectUser)';
const noRight = {
  says: 'the service account may not do that',
  hint: `Give it ${role} on this bucket.`,
};
const tooBusy = { says: 'the storage asked again and again to slow down', hint: 'Try again later.' };
const noToken = {
  says: 'no access token was given for the service account',
  hint: 'Give the storage a new key of the service account.',
};
const disabled = {
  says: 'the project of the bucket, or its billing, is switched off',
  hint: 'Switch it on in the Google Cloud console, then try again.',
};

/** The server's or the system's word for what went wrong → ours. */
const reasons: Record<string, Reason> = {
  ...lineReasons,
  NoSuchBucket: { says: 'there is no such bucket', hint: 'Create the bucket, or correct its name.' },
  NoCredentials: {
    says: 'no credentials were given and the machine has none of its own',
    hint: "Give the storage a service-account key, or the daemon's machine a service account that may use the bucket.",
  },
  NoToken: noToken,
  ClockSkew: {
    says: "this machine's clock differs too much from the storage's",
    hint: "Set the machine's clock, best by NTP, and try again.",
  },
  invalid_grant: {
    says: 'the key of the service account is not valid any more: it was revoked, or the account is deleted or disabled',
    hint: 'Create a new key for the service account, and give it to the storage.',
  },
  invalid_client: noToken,
  unauthorized_client: noToken,
  access_denied: noToken,
  authError: {
    says: 'the storage refused the access token that was just given',
    hint: 'Give the storage a new key of the service account.',
  },
  forbidden: noRight,
  insufficientPermissions: noRight,
  accountDisabled: disabled,
  userProjectAccountProblem: disabled,
  retentionPolicyNotMet: {
    says: "the bucket's retention policy, or the object's own, still keeps it",
    hint: 'Wait until its time is over. A policy that is not locked can be shortened by who administers the bucket.',
  },
  objectUnderActiveHold: {
    says: 'a hold keeps it',
    hint: 'Release the hold on the object, then try again.',
  },
  conditionNotMet: { says: 'it was replaced while it was read', hint: 'Try again.' },
  quotaExceeded: {
    says: "the project's quota is used up",
    hint: "Raise the project's quota, or wait until it is renewed.",
  },
  rateLimitExceeded: tooBusy,
  userRateLimitExceeded: tooBusy,
  backendError: tooBusy,
  BadDigest: {
    says: 'the bytes that arrived are not those that were sent',
    hint: 'Try again. Should it happen again, look at the memory and the network of this machine.',
  },
  BadAnswer: {
    says: 'the answer was not one of Google Cloud Storage',
    hint: 'Check what answers at its address, such as a proxy in between, then try again.',
  },
  SessionLost: {
    says: 'the storage no longer knows the upload that it had begun',
    hint: 'Try again from the beginning.',
  },
  NoProgress: { says: 'the storage kept nothing of what was sent to it', hint: 'Try again later.' },
};

/** Where an answer says no word, its status is all there is. */
const byStatus: Record<number, string> = {
  401: 'authError',
  403: 'forbidden',
  404: 'notFound',
  412: 'conditionNotMet',
  416: 'requestedRangeNotSatisfiable',
  429: 'rateLimitExceeded',
  503: 'backendError',
};

/** Words of refusals that pass by themselves, whatever their status. */
const passing = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'uploadBrokenConnection', 'NoProgress']);

/** What reading an answer fails with that is no JSON, or not that of the API. */
const unreadable = new Set(['SyntaxError', 'ZodError', '$ZodError']);

/** The server's own word, else the system's. */
function wordOf(error: unknown): string {
  if (error instanceof Refusal) {
    const { status, reason, says } = error;
    if (reason === 'invalid_grant' && /\biat\b|\bexp\b|timeframe/i.test(says)) return 'ClockSkew';
    if (status === 400 && /\b(crc32c|md5)\b/i.test(says)) return 'BadDigest';
    return reason === undefined || reason === 'required' ? (byStatus[status] ?? `HTTP ${status}`) : reason;
  }
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? (unreadable.has(name) ? 'BadAnswer' : name);
}

/** Whether the same request may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Refusal)) return isLineTrouble(wordOf(error));
  const { status } = error;
  return passing.has(wordOf(error)) || status === 408 || status === 429 || status >= 500;
}

/** Whether the answer was that there is nothing of that name: no object, or no bucket. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Refusal && wordOf(error) === 'notFound';
}

/**
 * A refusal, or a broken line, as our own error; what is neither passes through. Nothing else of it is kept: requests carry
 * tokens, and addresses of sessions.
 */
export function gcsFailure(error: unknown, facts: FailureFacts): unknown {
  if (error instanceof SkybackupError) return error;
  if (facts.signal?.aborted) return new SkybackupError('cancelled', `The work on ${facts.key} was cancelled.`);
  const what = facts.key === '' ? facts.url : `${facts.key} in ${facts.url}`;
  if (isAbsent(error)) return new SkybackupError('not_found', `There is no ${what}.`);
  const word = wordOf(error);
  const reason = reasons[word];
  if (reason === undefined && !(error instanceof Refusal) && !isLineTrouble(word)) return error;
  const permission = error instanceof Refusal ? permissionIn(error.says) : undefined;
  const hint =
    reason === noRight && permission !== undefined
      ? `Give it ${permission} on this bucket, best by ${role}.`
      : reason?.hint;
  return new SkybackupError(
    reason?.code ?? 'storage_failed',
    `${what} could not be ${facts.action}: ${reason?.says ?? 'the storage refused'} (${permission ?? word}).`,
    {
      ...(hint === undefined ? {} : { hint }),
      retryable: isPassing(error),
      details: {
        reason: word,
        status: error instanceof Refusal ? error.status : null,
        ...(permission === undefined ? {} : { permission }),
      },
    },
  );
}

/** A refusal's sentence names the right that is missing, as `storage.objects.create`. */
function permissionIn(says: string): string | undefined {
  return /\bstorage\.[a-z]+\.[a-zA-Z]+\b/.exec(says)?.[0];
}
