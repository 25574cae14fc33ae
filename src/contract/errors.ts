/**
 * Every error skybackup can give, in one table. A code is stable: tests, clients and models may rely on it.
 * `status` is the HTTP status the daemon answers with; `retryable` says whether the same call may succeed later unchanged;
 * `hint` is the default next step, which a thrower may replace by a more precise one.
 */
export const errorTable = {
  // what was asked
  invalid_request: { status: 400, retryable: false, hint: 'Correct the named field and call again.' },
  invalid_schedule: {
    status: 400,
    retryable: false,
    hint: 'Give "once" or five cron fields in UTC, for example "0 3 * * *" (daily at 03:00).',
  },
  unsupported: { status: 400, retryable: false, hint: 'Choose one of the alternatives named in the message.' },
  invalid_settings: {
    status: 400,
    retryable: false,
    hint: 'Correct the setting and start again; the README lists all settings.',
  },
  unauthorized: { status: 401, retryable: false, hint: 'Check the API key: it is missing, wrong or revoked.' },
  forbidden: { status: 403, retryable: false, hint: 'Use a key with the role named in the message.' },
  read_only: { status: 403, retryable: false, hint: 'Unset SKYBACKUP_READ_ONLY to allow changes.' },
  not_found: { status: 404, retryable: false, hint: 'List what exists, then call again with one of those ids.' },
  conflict: { status: 409, retryable: true, hint: 'Wait for the running job to end, or cancel it, then call again.' },
  too_large: { status: 413, retryable: false, hint: 'Send a smaller request.' },
  nothing_to_undo: {
    status: 409,
    retryable: false,
    hint: 'Look at "skybackup restores kept": it lists what can still be put back.',
  },
  rate_limited: { status: 429, retryable: true, hint: 'Wait for the time given, then call again.' },
  // the guard
  plan_required: {
    status: 409,
    retryable: false,
    hint: 'Make a plan, have a person approve it, then repeat the call.',
  },
  plan_not_approved: { status: 409, retryable: true, hint: 'Ask a person to approve the plan, then repeat the call.' },
  plan_expired: { status: 409, retryable: false, hint: 'Call again to get a fresh plan and have it approved.' },
  plan_mismatch: {
    status: 409,
    retryable: false,
    hint: 'Call again without the old answer to get a plan for these arguments.',
  },
  plan_used: {
    status: 409,
    retryable: false,
    hint: 'The plan was carried out or given up. Call again for a new plan if it is still wanted.',
  },
  target_changed: {
    status: 409,
    retryable: false,
    hint: 'Look at the service again, then call again for a fresh plan.',
  },
  safety_backup_first: {
    status: 409,
    retryable: true,
    hint: 'Take a backup of the target first, then call again; or have the person decline it.',
  },
  locked: {
    status: 409,
    retryable: false,
    hint: 'An administrator unlocks the service with "skybackup services unlock <id>".',
  },
  // the server that is backed up or restored
  service_failed: {
    status: 500,
    retryable: true,
    hint: "Read the server's log, which the message names, mend the reason and try again.",
  },
  service_down: { status: 409, retryable: true, hint: 'Start the service, then call again.' },
  access_denied: { status: 409, retryable: false, hint: 'Correct the user or the password of the service.' },
  privilege_missing: { status: 409, retryable: false, hint: 'Grant the named privilege to the backup user.' },
  wrong_data_directory: {
    status: 409,
    retryable: false,
    hint: 'Register the service with the data directory of the server that answers on this connection.',
  },
  wrong_server: {
    status: 409,
    retryable: false,
    hint: 'Correct the address; if it is the right server after all, forget the service and register it again.',
  },
  unreadable_directory: {
    status: 409,
    retryable: false,
    hint: "Give the daemon's user read access to the directory, or run the daemon as its owner.",
  },
  unsupported_layout: { status: 409, retryable: false, hint: 'Take logical dumps of this server instead.' },
  version_mismatch: { status: 409, retryable: false, hint: 'Use a server and tools of the same series as the backup.' },
  lock_timeout: { status: 409, retryable: true, hint: 'End the session that holds the lock, then call again.' },
  no_space: { status: 409, retryable: true, hint: 'Free the space named in the message, then call again.' },
  storage_failed: {
    status: 500,
    retryable: true,
    hint: 'Check that the storage named in the message is there and that the daemon may read and write it.',
  },
  tool_missing: { status: 409, retryable: false, hint: 'Install the named package.' },
  statement_failed: {
    status: 409,
    retryable: false,
    hint: "Read the server's own words in the message; its error log may say more.",
  },
  // what went wrong while working
  backup_failed: { status: 500, retryable: true, hint: 'Read the reason, mend it, and take the backup again.' },
  backup_damaged: {
    status: 409,
    retryable: false,
    hint: 'Use another backup: this one is not whole. Take a new one now.',
  },
  identity_missing: {
    status: 409,
    retryable: false,
    hint: 'A person gives it on the machine of the daemon, for as long as it is needed: skybackup encryption add-identity <file>.',
  },
  proof_failed: {
    status: 409,
    retryable: false,
    hint: 'Do not count on this backup: take a new one now, verify that, and find out what is wrong with this one.',
  },
  restore_failed: {
    status: 500,
    retryable: true,
    hint: 'The target is as it was before. Mend the reason and restore again.',
  },
  cancelled: { status: 409, retryable: true, hint: 'Start it again if it is still wanted.' },
  interrupted: { status: 409, retryable: true, hint: 'Start it again if it is still wanted.' },
  // between client and server
  unreachable: { status: 503, retryable: true, hint: 'Check the address and the network, then call again.' },
  unavailable: { status: 503, retryable: true, hint: 'Call again in a moment.' },
  bad_answer: { status: 502, retryable: true, hint: 'Check that the URL is that of a Backup API.' },
  timeout: {
    status: 504,
    retryable: true,
    hint: 'Look at the current state before calling again: the request may have been carried out.',
  },
  version_skew: {
    status: 409,
    retryable: false,
    hint: 'Update the older side: client and daemon must speak the same contract revision.',
  },
  daemon_failed: { status: 503, retryable: true, hint: 'Run "skybackup doctor" and read the daemon\'s log.' },
  internal: { status: 500, retryable: false, hint: 'Report this with the trace id.' },
} as const satisfies Record<string, { status: number; retryable: boolean; hint: string }>;

export type ErrorCode = keyof typeof errorTable;

export interface ErrorOptions {
  hint?: string;
  /** Facts for programs (ids, sizes); never secrets. */
  details?: Record<string, unknown>;
  cause?: unknown;
  /** The HTTP status the other side gave, where it differs from the table's. */
  status?: number;
  retryable?: boolean;
  retryAfterSeconds?: number;
  traceId?: string;
}

/** The one error class: what happened (`message`), what to do next (`hint`), whether to try again (`retryable`). */
export class SkybackupError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable: boolean;
  readonly status: number;
  readonly details: Record<string, unknown>;
  readonly retryAfterSeconds: number | undefined;
  readonly traceId: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const row = errorTable[code];
    this.name = 'SkybackupError';
    this.code = code;
    this.hint = options.hint ?? row.hint;
    this.retryable = options.retryable ?? row.retryable;
    this.status = options.status ?? row.status;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.traceId = options.traceId;
  }
}

/** Narrows any thrown value to a SkybackupError; what we did not foresee becomes `internal`, its cause kept for the log only. */
export function toSkybackupError(error: unknown): SkybackupError {
  if (error instanceof SkybackupError) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    return new SkybackupError('cancelled', 'The call was cancelled.', { cause: error });
  }
  return new SkybackupError('internal', 'Something unexpected went wrong inside skybackup.', { cause: error });
}
