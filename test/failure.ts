import { SkybackupError } from '../src/contract/errors.ts';

/** The error a call fails with; whatever is not one of ours is thrown on. */
export async function failure(promise: Promise<unknown>): Promise<SkybackupError> {
  const error = await promise.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason,
  );
  if (error instanceof SkybackupError) return error;
  throw error;
}
