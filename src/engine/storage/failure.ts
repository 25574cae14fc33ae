import { SkybackupError } from '../../contract/errors.ts';

export interface FailureFacts {
  url: string;
  action: 'written' | 'read' | 'listed' | 'deleted';
  key: string;
  /** Bytes of this object that arrived before it failed. */
  bytes?: number;
  free?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A file system's error as ours; what came from the body (a broken pipe's own error) passes through. */
export function storageFailure(error: unknown, facts: FailureFacts): unknown {
  if (error instanceof SkybackupError) return error;
  if (facts.signal?.aborted)
    return new SkybackupError('cancelled', `Writing ${facts.key} was cancelled.`, { cause: error });
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const what = `${facts.key} in ${facts.url}`;
  if (code === 'ENOENT') return new SkybackupError('not_found', `There is no ${what}.`, { cause: error });
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SkybackupError(
      'no_space',
      `The storage ${facts.url} is full: ${facts.bytes ?? 0} bytes of ${facts.key} were written and ${facts.free ?? 0} bytes are free now.`,
      { details: { written: facts.bytes ?? 0, free: facts.free ?? 0 }, cause: error },
    );
  }
  return new SkybackupError('storage_failed', `${what} could not be ${facts.action} (${code}).`, { cause: error });
}

/** What a put answers when its key is taken: an object is never replaced. */
export function keyTaken(key: string, url: string): SkybackupError {
  return new SkybackupError('conflict', `${key} exists already in ${url}; nothing is overwritten.`, {
    hint: 'Use another id. An object is never replaced.',
    retryable: false,
  });
}

/** The storage's own word by which one of our errors was told. */
export function reasonOf(error: unknown): unknown {
  return error instanceof SkybackupError ? error.details.reason : undefined;
}
