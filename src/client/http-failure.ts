import { type ErrorCode, type ErrorOptions, errorTable, SkybackupError } from '../contract/errors.ts';
import { redact } from '../contract/redact.ts';
import { unknowing } from './failed-try.ts';
import { operationOf } from './operation-words.ts';

/** Who is asked, as far as error messages need to know. */
export interface Peer {
  kind: 'cloud' | 'daemon';
  /** For people: `https://api.skysql.com`, `unix:/…/daemon.sock`. */
  url: string;
  /** The setting the key came from; undefined on a socket, whose permissions are the key. */
  keySetting: string | undefined;
}

export interface FailedAnswer {
  status: number;
  method: string;
  path: string;
  text: string;
  retryAfterMs: number | undefined;
  location: string | undefined;
}

/** The error that an answer other than 2xx stands for. Reads the contract's body, anything else as best it can. */
export function failureOf(answer: FailedAnswer, peer: Peer): SkybackupError {
  const { status, method, path } = answer;
  const body = readBody(answer.text);
  const words = body.words === '' ? '' : `: ${body.words.replace(/\.$/, '')}`;
  const options: ErrorOptions = {
    status,
    ...(body.traceId === undefined ? {} : { traceId: body.traceId }),
    ...(answer.retryAfterMs === undefined ? {} : { retryAfterSeconds: Math.ceil(answer.retryAfterMs / 1000) }),
    details: { upstream: body.words },
  };
  if (status < 400) {
    const where = answer.location === undefined ? '' : ` to ${shorten(answer.location, 200)}`;
    return new SkybackupError(
      'bad_answer',
      `${peer.url} redirects ${method} ${path}${where}; redirects are not followed, since they would carry the key along.`,
      {
        ...options,
        retryable: false,
        // "See other" is how some servers answer what they have done.
        ...(status === 303 ? unknowing(method) : {}),
      },
    );
  }
  if (peer.kind === 'daemon' && body.code !== undefined) {
    return new SkybackupError(body.code, body.words, {
      ...options,
      ...(body.hint === undefined ? {} : { hint: body.hint }),
      ...(body.retryable === undefined ? {} : { retryable: body.retryable }),
      details: body.details ?? {},
    });
  }
  if (body.html !== undefined && status < 500 && status !== 401 && status !== 429) {
    return new SkybackupError(
      'bad_answer',
      `${peer.url} answered ${method} ${path} with HTTP ${status} and a web page${body.html}, not as a Backup API.`,
      {
        ...options,
        retryable: false,
        hint: 'Check that the URL is that of a Backup API, and that no proxy stands between.',
      },
    );
  }
  const page = body.html === undefined ? words : `, with a web page${body.html}`;
  switch (status) {
    case 401:
      return new SkybackupError('unauthorized', `${peer.url} refused the key (HTTP 401)${page}.`, {
        ...options,
        hint: peer.keySetting
          ? `Check the key in ${peer.keySetting}: it is wrong, expired or revoked${peer.kind === 'cloud' ? ', or must be sent in the other form (SKYSQL_AUTH=x-api-key or bearer)' : ''}.`
          : errorTable.unauthorized.hint,
      });
    case 403: {
      const { words: operation, role } = operationOf(method, path);
      return new SkybackupError('forbidden', `${peer.url} does not allow ${operation} (HTTP 403)${page}.`, {
        ...options,
        hint: roleHint(operation, role, peer),
      });
    }
    default:
      return new SkybackupError(codeOf(status), `${peer.url} answered ${method} ${path} with HTTP ${status}${page}.`, {
        ...options,
        ...(status >= 500 ? serverFailed(method, status, answer.retryAfterMs, options) : {}),
      });
  }
}

function roleHint(operation: string, role: string | undefined, peer: Peer): string {
  const key = peer.keySetting === undefined ? 'the key' : `the key in ${peer.keySetting}`;
  return role === undefined
    ? `The role of ${key} is too low for ${operation}. Which role that needs is not documented; schedules need the Administrator role: ask an administrator of the organisation.`
    : `${operation[0]?.toUpperCase()}${operation.slice(1)} needs the ${role} role: give ${key} that role, or use another key.`;
}

function serverFailed(
  method: string,
  status: number,
  retryAfterMs: number | undefined,
  { details }: ErrorOptions,
): ErrorOptions {
  if (method === 'GET') return { hint: 'Call again in a moment; if it stays so, the trouble is on the server.' };
  // It said when to come again instead of doing it.
  if (status === 503 && retryAfterMs !== undefined) return {};
  const unknown = unknowing(method);
  return { ...unknown, details: { ...details, ...unknown.details } };
}

function codeOf(status: number): ErrorCode {
  if (status === 404) return 'not_found';
  if (status === 409) return 'conflict';
  if (status === 413) return 'too_large';
  if (status === 429) return 'rate_limited';
  if (status === 504) return 'timeout';
  return status >= 500 ? 'unavailable' : 'invalid_request';
}

interface ReadBody {
  words: string;
  code: ErrorCode | undefined;
  hint: string | undefined;
  retryable: boolean | undefined;
  details: Record<string, unknown> | undefined;
  traceId: string | undefined;
  /** Set when it is a web page: its title in words, or ''. */
  html: string | undefined;
}

function readBody(text: string): ReadBody {
  const nothing = { code: undefined, hint: undefined, retryable: undefined, details: undefined, traceId: undefined };
  const trimmed = text.trim();
  if (trimmed.startsWith('<')) {
    const title = /<title[^>]*>([^<]*)/i.exec(trimmed)?.[1];
    return { ...nothing, words: '', html: title ? ` titled "${shorten(title, 100)}"` : '' };
  }
  let json: unknown;
  try {
    json = JSON.parse(trimmed);
  } catch {
    // Truncated or plain text: its beginning is still the best that can be told.
    return { ...nothing, words: shorten(trimmed, 200), html: undefined };
  }
  const { errors, trace_id } = isRecord(json) ? json : { errors: json, trace_id: undefined };
  const told = saidBy(errors);
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const { error, solution, retryable, details } = isRecord(first) ? first : {};
  return {
    words: shorten((told.length > 0 ? told : saidBy(json)).join('; '), 600),
    code: isCode(error) && told.length > 0 ? error : undefined,
    hint: typeof solution === 'string' ? shorten(solution, 600) : undefined,
    retryable: typeof retryable === 'boolean' ? retryable : undefined,
    details: isRecord(details) ? details : undefined,
    traceId: typeof trace_id === 'string' ? shorten(trace_id, 100) : undefined,
    html: undefined,
  };
}

/** Where an error's words stand, in whatever shape it came; the first that says anything counts. */
const spoken = ['errors', 'message', 'error', 'detail', 'description', 'error_description', 'title', 'exception'];

function saidBy(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  if (depth > 4) return [];
  if (Array.isArray(value)) return value.slice(0, 10).flatMap((each) => saidBy(each, depth + 1));
  if (!isRecord(value)) return [];
  for (const name of spoken) {
    const words = Object.hasOwn(value, name) ? saidBy(value[name], depth + 1) : [];
    if (words.length > 0) return words;
  }
  // `{"errors": {"service_id": ["is required"]}}`
  return depth === 0
    ? []
    : Object.entries(value).flatMap(([name, each]) => saidBy(each, depth + 1).map((words) => `${name}: ${words}`));
}

function isCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorTable, text);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One line of foreign text, without secrets, control and invisible characters. */
export function shorten(text: string, max: number): string {
  // Once more when nothing invisible stands between its letters any more; and half a secret at the cut is one, too.
  const begun = text.length > max * 4 ? text.slice(0, max * 4).replace(/\S*$/, '') : text;
  const visible = redact(begun).replace(/\p{Cf}+/gu, '');
  const line = redact(visible)
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return line.length <= max ? line : `${line.slice(0, max - 1)}…`;
}
