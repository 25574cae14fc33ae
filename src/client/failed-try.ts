import { type ErrorOptions, SkybackupError } from '../contract/errors.ts';
import type { Peer } from './http-failure.ts';
import type { TryFailure } from './retry.ts';

/** A try that failed, with the error to throw when it was the last. */
export class FailedTry extends Error {
  readonly failure: TryFailure;
  readonly error: SkybackupError;
  constructor(failure: TryFailure, error: SkybackupError) {
    super(error.message);
    this.failure = failure;
    this.error = error;
  }
}

const maybeDone = 'Look at the current state before calling again: the request may have been carried out.';

/** Of a change whose answer is lost or cannot be read nobody knows whether it was made: nothing repeats it by itself. */
export function unknowing(method: string): ErrorOptions {
  return method === 'GET' ? {} : { hint: maybeDone, retryable: false, details: { may_be_done: true } };
}

const neverSent = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTDIR',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EACCES',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What a request that got no whole answer comes to: a FailedTry where another try may help, else the error itself. */
export function brokenTry(
  error: unknown,
  { method, path }: { method: string; path: string },
  peer: Peer,
  { timedOut, status }: { timedOut: boolean; status: number | undefined },
): Error {
  const code = errorCode(error);
  const call = `${method} ${path}`;
  if (timedOut) {
    const message = `${peer.url} did not answer ${call} in time.`;
    const hint = method === 'GET' ? { hint: 'Call again in a moment.' } : unknowing(method);
    return new FailedTry({ kind: 'broken' }, new SkybackupError('timeout', message, { cause: error, ...hint }));
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new SkybackupError('bad_answer', `The answer of ${peer.url} to ${call} is larger than is accepted.`, {
      cause: error,
      retryable: false,
      hint: 'Ask for a smaller page.',
      ...unknowing(method),
    });
  }
  if (code !== undefined && neverSent.has(code)) {
    return new FailedTry(
      { kind: 'unconnected' },
      new SkybackupError('unreachable', `${peer.url} cannot be reached (${code}).`, {
        cause: error,
        details: { code },
      }),
    );
  }
  if (code !== undefined && /CERT|TLS|SSL|SIGNATURE/.test(code)) {
    return new SkybackupError('unreachable', `The certificate of ${peer.url} is not trusted (${code}).`, {
      cause: error,
      retryable: false,
      hint: 'Check the URL; for a certificate authority of your own set NODE_EXTRA_CA_CERTS.',
    });
  }
  const when = status === undefined ? 'before it answered' : 'in the middle of the answer';
  const message = `The connection to ${peer.url} broke ${when} to ${call}${code ? ` (${code})` : ''}.`;
  return new FailedTry(
    { kind: 'broken' },
    new SkybackupError('unreachable', message, { cause: error, ...unknowing(method) }),
  );
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : errorCode(error.cause);
}

/** The caller gave up. What was sent already may have been carried out all the same. */
export function cancelled(method: string, sent: boolean): SkybackupError {
  const options = sent && method !== 'GET' ? { hint: maybeDone, details: { may_be_done: true } } : {};
  return new SkybackupError('cancelled', 'The call was cancelled.', options);
}
