import { readFileSync } from 'node:fs';
import { encodeCredentials, readCredentials } from '../../contract/credentials.ts';
import { registerSecret } from '../../contract/redact.ts';
import { UsageError } from '../terminal.ts';

/** The credentials in a file as the contract has them: of one profile alone, whatever else the file holds. */
export function credentialsIn(path: string, profile: string | undefined): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `The credentials file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      'Give the path of a file that this user may read.',
    );
  }
  const credentials = readCredentials(text, profile);
  if (credentials.kind === 's3') registerSecret(credentials.secret_access_key);
  else registerSecret(credentials.key.private_key);
  const encoded = encodeCredentials(credentials);
  registerSecret(encoded);
  return encoded;
}
