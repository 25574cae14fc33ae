import { SkybackupError } from '../../contract/errors.ts';

/** Whether a key is relative, `/`-separated, and cannot leave its store: no `..`, no empty or hidden part. */
export function isKey(key: string): boolean {
  const whole = key.length > 0 && key.length <= 1024 && !/[\0\\]/.test(key);
  return whole && key.split('/').every((part) => part !== '' && !part.startsWith('.') && part.length <= 255);
}

/** Throws unless it is a key. */
export function checkKey(key: string): void {
  if (isKey(key)) return;
  throw new SkybackupError('invalid_request', `"${key.slice(0, 100)}" is not a key of the storage.`, {
    hint: 'Keys are relative, separated by "/", and no part is empty or starts with a dot.',
  });
}
