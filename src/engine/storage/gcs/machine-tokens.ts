import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { GoogleAuth } from 'google-auth-library';
import { decodeCredentials } from '../../../contract/credentials.ts';
import { registerSecret } from '../../../contract/redact.ts';
import { Refusal } from './refusal.ts';
import { readServiceAccount, serviceAccountTokens } from './service-account.ts';
import { scope, type TokenSource } from './tokens.ts';
import type { Wire } from './wire.ts';

/**
 * Tokens of the machine itself (application default credentials). A service account's key, in the file that
 * GOOGLE_APPLICATION_CREDENTIALS names, is used as if it had been given; for all others (a person's login, a workload's
 * identity, the virtual machine's account) there is a library.
 */
export function machineTokens(wire: Wire, stallMs: number): TokenSource {
  let found: Promise<TokenSource> | undefined;
  const source = (): Promise<TokenSource> => {
    found ??= keyFileTokens(wire).then(
      (own) => own ?? libraryTokens(stallMs),
      (error: unknown) => {
        found = undefined;
        throw error;
      },
    );
    return found;
  };
  return {
    token: async () => (await source()).token(),
    forget: (token) => void found?.then((tokens) => tokens.forget(token)),
  };
}

async function keyFileTokens(wire: Wire): Promise<TokenSource | undefined> {
  const path = process.env.GOOGLE_APPLICATION_CREDENTIALS;
  if (!path) return undefined;
  // Where there is no such file, the library says so.
  const text = await readFile(path, 'utf8').catch(() => '');
  if (!/"type"\s*:\s*"service_account"/.test(text)) return undefined;
  const given = decodeCredentials(Buffer.from(text).toString('base64'));
  if (given.kind !== 'gcs') return undefined;
  registerSecret(given.key.private_key);
  return serviceAccountTokens(readServiceAccount(given.key), wire);
}

/** The library is loaded by the first who needs it, and keeps its tokens itself. */
async function libraryTokens(stallMs: number): Promise<TokenSource> {
  const { GoogleAuth: Auth } = await import('google-auth-library');
  let auth: GoogleAuth | undefined;
  return {
    async token() {
      // A bucket needs no project. Without any, the library asks three places for it, and fails where they do.
      auth ??= new Auth({ scopes: [scope], projectId: 'none' });
      try {
        const token = await within(stallMs, auth.getAccessToken());
        if (!token) throw new Refusal(401, 'NoCredentials');
        return token;
      } catch (error) {
        auth = undefined;
        throw withoutSecrets(error);
      }
    },
    forget() {
      auth = undefined;
    },
  };
}

/** The library waits for as long as a server lets it wait. */
async function within<T>(ms: number, asking: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const late = delay(ms, undefined, { signal: ended.signal, ref: false }).then(() => {
    throw Object.assign(new Error('no token came'), { code: 'ETIMEDOUT' });
  });
  try {
    return await Promise.race([asking, late]);
  } finally {
    ended.abort();
  }
}

/** What the library's errors are told by; only this is ever kept of them, since they hold requests with their secrets. */
interface LibraryError {
  code?: unknown;
  message?: string;
  response?: { status?: number; data?: { error?: unknown; error_description?: unknown } };
}

function withoutSecrets(error: unknown): Error {
  if (error instanceof Refusal) return error;
  const { code, message = '', response } = error as LibraryError;
  if (/^Could not load the default credentials|^Unable to read the credential file/.test(message)) {
    return new Refusal(401, 'NoCredentials');
  }
  if (response?.status !== undefined) {
    const { error: reason, error_description: says } = response.data ?? {};
    return new Refusal(response.status, typeof reason === 'string' ? reason : 'NoToken', String(says ?? ''));
  }
  if (typeof code === 'string') return Object.assign(new Error('no token could be had'), { code });
  return new Refusal(401, 'NoToken');
}
