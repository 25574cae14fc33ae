import { SkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';

interface DriverError {
  code?: string | null;
  errno?: number;
  sqlMessage?: string | null;
  message?: string;
}

/** The server did not let the user in at all. */
const loginRefused = new Set([1044, 1045, 1130, 1698, 4151]);
/** The user is in and may not do this. */
const privilegeRefused = new Set([1142, 1143, 1227, 1370]);
const gone = new Set([1053, 1077, 1927, 2002, 2003, 2006, 2013]);

/** A connector's error as ours. `who` is `user at server`; `details.errno` is the server's error number. */
export function sqlFailure(error: unknown, who: string, signal?: AbortSignal): SkybackupError {
  if (error instanceof SkybackupError) return error;
  if (signal?.aborted)
    return new SkybackupError('cancelled', 'The query was cut because of a cancel.', { cause: error });
  const { code, errno = 0, sqlMessage, message } = error as DriverError;
  // `message` carries the whole statement, `sqlMessage` the server's words alone.
  const words = redact((sqlMessage ?? message ?? String(error)).slice(0, 500)).replace(/\.$/, '');
  const options = { details: { errno: Math.abs(errno), ...(code ? { code } : {}) }, cause: error };

  if (errno === 1227) {
    const privilege = /\(at least one of\) the (.+?) privilege/i.exec(words)?.[1] ?? 'a privilege';
    return new SkybackupError('privilege_missing', `${who} lacks ${privilege}: ${words}.`, {
      ...options,
      hint: `Grant it: GRANT ${privilege.split(/,\s*/)[0] ?? privilege} ON *.* TO the backup user.`,
    });
  }
  if (privilegeRefused.has(errno))
    return new SkybackupError('privilege_missing', `${who} lacks a privilege: ${words}.`, options);
  if (loginRefused.has(errno)) {
    return new SkybackupError('access_denied', `The server refused the login of ${who}: ${words}.`, options);
  }
  if (errno === 1040)
    return new SkybackupError('service_down', `The server of ${who} has no free connection: ${words}.`, options);
  if (gone.has(errno) || isNetworkCode(code)) {
    return new SkybackupError('service_down', `The server does not answer ${who}: ${words}.`, options);
  }
  return new SkybackupError('statement_failed', `The server refused a statement of ${who}: ${words}.`, options);
}

function isNetworkCode(code: string | null | undefined): boolean {
  return (
    typeof code === 'string' &&
    /^(E(CONN|HOST|NET|PIPE|TIMEDOUT|NOENT|NOTFOUND|AI_AGAIN|ACCES)|ENOENT|EPIPE|EAI_AGAIN|ER_(SOCKET|CONNECTION|CMD_CONNECTION|UNEXPECTED_SOCKET|GET_CONNECTION|SERVER_SHUTDOWN)|PROTOCOL_CONNECTION_LOST)/.test(
      code,
    )
  );
}
