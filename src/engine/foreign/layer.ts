import { SkybackupError } from '../../contract/errors.ts';

/** What taking off a layer needs. */
export interface LayerContext {
  /** Of the object, for people. */
  url: string;
  key: string | undefined;
  /** Ends every process that takes part. */
  signal: AbortSignal;
}

export function damaged(url: string, what: string, cause?: unknown): SkybackupError {
  return new SkybackupError('backup_damaged', `${url} is damaged or was cut short: ${what}.`, {
    hint: 'Restore another backup, or bring this one again from where it was made. Nothing was replaced.',
    cause,
  });
}

export function missingKey(url: string, by: string): SkybackupError {
  return new SkybackupError('invalid_request', `${url} is encrypted (${by}), and no encryption_key was given.`, {
    hint: 'Give its encryption_key.',
  });
}

export function wrongKey(url: string, by: string, cause?: unknown): SkybackupError {
  return new SkybackupError('invalid_request', `The encryption_key does not open ${url} (${by}).`, {
    hint: 'Give the key that it was encrypted with.',
    cause,
  });
}
