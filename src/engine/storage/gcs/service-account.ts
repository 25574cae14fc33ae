import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { z } from 'zod';
import type { GcsCredentials } from '../../../contract/credentials.ts';
import { SkybackupError } from '../../../contract/errors.ts';
import { Refusal } from './refusal.ts';
import { keepTokens, scope, type TokenSource } from './tokens.ts';
import type { Wire } from './wire.ts';

/** What a service account's key file says, as far as it is needed. */
export interface ServiceAccount {
  email: string;
  keyId: string | undefined;
  privateKey: KeyObject;
  tokenUrl: string;
  /** `googleapis.com`, or that of a cloud with its own. */
  universe: string;
}

const KeyFile = z.looseObject({
  client_email: z.string(),
  private_key_id: z.string().optional(),
  token_uri: z.url({ protocol: /^https?$/ }).default('https://oauth2.googleapis.com/token'),
  universe_domain: z.hostname().default('googleapis.com'),
});

/** Throws `invalid_request` for a key that nothing can be signed with. */
export function readServiceAccount(key: GcsCredentials['key']): ServiceAccount {
  const file = KeyFile.safeParse(key);
  if (!file.success) throw unreadable(`its ${String(file.error.issues[0]?.path[0])} is not what it should be`);
  const { client_email, private_key_id, token_uri, universe_domain } = file.data;
  return {
    email: client_email,
    keyId: private_key_id,
    privateKey: readPrivateKey(key.private_key),
    tokenUrl: token_uri,
    universe: universe_domain,
  };
}

function readPrivateKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    // Environment variables and forms keep a line's end as two characters.
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    throw unreadable('its private_key is not whole');
  }
  if (key.asymmetricKeyType !== 'rsa') throw unreadable('its private_key is not an RSA key');
  return key;
}

function unreadable(why: string): SkybackupError {
  return new SkybackupError('invalid_request', `The service-account key cannot be used: ${why}.`, {
    hint: 'Give the JSON file as it was downloaded when the key was created.',
  });
}

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** From so much on it is the clock that is wrong, and not the way of the answer that was long. */
const clockTolerance = 60_000;

/** Tokens for a service account: each is exchanged for a statement that its key signs (RFC 7523). */
export function serviceAccountTokens(account: ServiceAccount, wire: Wire): TokenSource {
  async function exchange(): Promise<{ token: string; lastsMs: number }> {
    const answer = await wire.send({
      method: 'POST',
      url: account.tokenUrl,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: grantType,
        assertion: assertion(account, wire.clockOffsetMs()),
      }).toString(),
    });
    const { access_token, expires_in } = TokenAnswer.parse(await answer.body.json());
    return { token: access_token, lastsMs: expires_in * 1000 };
  }

  async function obtain(): Promise<{ token: string; lastsMs: number }> {
    const supposed = wire.clockOffsetMs();
    try {
      return await exchange();
    } catch (error) {
      const clockIsWrong = Math.abs(wire.clockOffsetMs() - supposed) > clockTolerance;
      if (error instanceof Refusal && error.reason === 'invalid_grant' && clockIsWrong) return exchange();
      throw error;
    }
  }

  return keepTokens(obtain);
}

const TokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().default(3600) });

function assertion({ email, keyId, privateKey, tokenUrl }: ServiceAccount, clockOffsetMs: number): string {
  const issued = Math.floor((Date.now() + clockOffsetMs) / 1000);
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
  const claims = { iss: email, scope, aud: tokenUrl, iat: issued, exp: issued + 3600 };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}
