import { readFileSync, statSync } from 'node:fs';
import { SkybackupError } from '../contract/errors.ts';
import { registerSecret } from '../contract/redact.ts';

/**
 * A key from `<name>` or from the file that `<name>_FILE` names; undefined when neither is set.
 * The value is registered as a secret before anything can print it. Warns when others may read the file.
 */
export function readKey(
  name: string,
  values: ReadonlyMap<string, string>,
  warnings: string[],
): { key: string; keySetting: string } | undefined {
  const direct = values.get(name);
  const file = values.get(`${name}_FILE`);
  if (direct !== undefined) registerSecret(direct);
  if (direct !== undefined && file !== undefined)
    throw refused(`${name} and ${name}_FILE are both set.`, 'Set only one of them.');
  if (direct === undefined && file === undefined) return undefined;
  const keySetting = file === undefined ? name : `${name}_FILE`;
  const key = file === undefined ? checkKey(keySetting, direct ?? '') : readKeyFile(keySetting, file, warnings);
  return { key, keySetting };
}

function checkKey(setting: string, key: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw refused(
    `The value of ${setting} is not a key: it holds spaces or other characters no key has.`,
    'Give the key alone, on one line.',
  );
}

/** The key that a file holds alone, registered as a secret. `setting` names in messages what pointed at the file. */
export function readKeyFile(setting: string, path: string, warnings: string[]): string {
  let text: string;
  try {
    const stat = statSync(path);
    // A directory or a device here is a slip, and reading a pipe would block the start.
    if (!stat.isFile() || stat.size > 65_536) throw new Error('it is not a small file');
    if ((stat.mode & 0o077) !== 0 && process.platform !== 'win32')
      warnings.push(`${setting}: other users may read ${path}. Run: chmod 600 ${path}`);
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    throw refused(
      `${setting} names ${path}, which cannot be read: ${reason}.`,
      'Name a file that holds the key alone.',
    );
  }
  if (text === '') throw refused(`${setting} names ${path}, which is empty.`, 'Put the key into it.');
  registerSecret(text);
  return checkKey(setting, text);
}

function refused(message: string, hint: string): SkybackupError {
  return new SkybackupError('invalid_settings', message, { hint });
}
