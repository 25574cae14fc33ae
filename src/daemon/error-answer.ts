import { type ErrorCode, errorTable, SkybackupError, toSkybackupError } from '../contract/errors.ts';
import { redact } from '../contract/redact.ts';

const exceptions: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  413: 'PayloadTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  502: 'BadGateway',
  503: 'ServiceUnavailable',
  504: 'GatewayTimeout',
};

export interface ErrorAnswer {
  status: number;
  code: ErrorCode;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/** The contract's error body: what happened and what to do, never a stack, never a secret. */
export function errorAnswer(error: unknown, path: string, traceId: string): ErrorAnswer {
  const failure = nameFrameworkError(error);
  const { status } = errorTable[failure.code];
  const details = Object.entries(failure.details).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  return {
    status,
    code: failure.code,
    headers: {
      ...(failure.retryAfterSeconds === undefined ? {} : { 'retry-after': String(failure.retryAfterSeconds) }),
      // Names no metadata: keys are made at the command line, and there is no server that would give one out.
      ...(status === 401 ? { 'www-authenticate': 'Bearer realm="skybackup"' } : {}),
    },
    body: {
      code: status,
      exception: exceptions[status] ?? 'Error',
      path: redact(path.split('?')[0] ?? path).slice(0, 300),
      timestamp: Math.floor(Date.now() / 1000),
      trace_id: traceId,
      errors: [
        {
          error: failure.code,
          message: redact(failure.message),
          solution: redact(failure.hint),
          retryable: failure.retryable,
          ...(details.length === 0
            ? {}
            : {
                details: Object.fromEntries(
                  details.map(([key, value]) => [key, typeof value === 'string' ? redact(value) : value]),
                ),
              }),
        },
      ],
    },
  };
}

/** What fastify itself refuses, in our words. */
function nameFrameworkError(error: unknown): SkybackupError {
  if (error instanceof SkybackupError || !(error instanceof Error)) return toSkybackupError(error);
  const { code, statusCode } = error as Error & { code?: unknown; statusCode?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new SkybackupError('too_large', 'The request body is larger than 1 MiB.', { cause: error });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new SkybackupError('invalid_request', 'The request body is not JSON.', {
      hint: 'Send JSON with the header Content-Type: application/json.',
      cause: error,
    });
  }
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || (error instanceof SyntaxError && statusCode === 400)) {
    return new SkybackupError('invalid_request', 'The request body is not valid JSON.', { cause: error });
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new SkybackupError(statusCode === 404 ? 'not_found' : 'invalid_request', 'The request cannot be read.', {
      cause: error,
    });
  }
  return toSkybackupError(error);
}
