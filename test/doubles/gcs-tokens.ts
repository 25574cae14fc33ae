import { createPublicKey, generateKeyPairSync, randomUUID, verify } from 'node:crypto';
import { z } from 'zod';
import type { GcsCredentials } from '../../src/contract/credentials.ts';

export interface GcsTokens {
  /** Of the service account, as it is downloaded; its tokens come from this server. */
  key(tokenUri: string): GcsCredentials['key'];
  /** Answers what was posted to the token endpoint, whose own address is `audience`. */
  exchange(body: string, audience: string): TokenAnswer;
  /** A token without more ado: that of a machine, or of a workload's identity. */
  give(): TokenAnswer;
  isValid(authorization: string | undefined): boolean;
  /** All that were given are refused from now on. */
  expire(): void;
  /** The key is taken from the account: nothing that it signs is accepted. */
  revoke(): void;
  /** How many were given. */
  readonly given: number;
  lifetimeSeconds: number;
}
type TokenAnswer = { status: number; body: Record<string, unknown> };

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const Header = z.object({ alg: z.literal('RS256'), typ: z.literal('JWT'), kid: z.string() });
const Claims = z.object({ iss: z.string(), scope: z.string(), aud: z.string(), iat: z.int(), exp: z.int() });
/** Clocks may differ by so much. */
const toleranceSeconds = 300;

/** The OAuth endpoint for service accounts (RFC 7523), with a real key pair: what is signed wrongly gets no token. */
export function gcsTokens(now: () => number): GcsTokens {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const email = 'backup@project-of-the-tests.iam.gserviceaccount.com';
  const keyId = randomUUID().replaceAll('-', '');
  const valid = new Map<string, number>();
  let revoked = false;
  let given = 0;

  const refuse = (error: string, error_description: string): TokenAnswer => ({
    status: 400,
    body: { error, error_description },
  });

  function give(): TokenAnswer {
    given += 1;
    const token = `ya29.${randomUUID()}`;
    valid.set(token, now() + tokens.lifetimeSeconds * 1000);
    return { status: 200, body: { access_token: token, expires_in: tokens.lifetimeSeconds, token_type: 'Bearer' } };
  }

  function exchange(body: string, audience: string): TokenAnswer {
    const form = new URLSearchParams(body);
    if (form.get('grant_type') !== grantType) return refuse('unsupported_grant_type', 'Invalid grant_type');
    const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    const { kid } = Header.parse(read(header));
    const said = Claims.parse(read(claims));
    if (said.iss !== email) return refuse('invalid_grant', 'Invalid grant: account not found');
    const signed = verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      createPublicKey(publicKey),
      Buffer.from(signature, 'base64url'),
    );
    if (!signed || revoked || kid !== keyId) return refuse('invalid_grant', 'Invalid JWT Signature.');
    const seconds = now() / 1000;
    const timely =
      said.iat < seconds + toleranceSeconds && said.exp > seconds - toleranceSeconds && said.exp - said.iat <= 3600;
    if (!timely) {
      return refuse(
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
      );
    }
    if (said.aud !== audience) return refuse('invalid_grant', 'Invalid JWT: Failed audience check.');
    if (
      !/^https:\/\/www\.googleapis\.com\/auth\/(devstorage\.(read_write|full_control)|cloud-platform)$/.test(said.scope)
    )
      return refuse('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
    return give();
  }

  const tokens: GcsTokens = {
    key: (tokenUri) => ({
      type: 'service_account',
      project_id: 'project-of-the-tests',
      private_key_id: keyId,
      private_key: privateKey,
      client_email: email,
      token_uri: tokenUri,
    }),
    exchange,
    give,
    isValid: (authorization = '') => (valid.get(authorization.replace(/^Bearer /, '')) ?? 0) > now(),
    expire: () => valid.clear(),
    revoke: () => {
      revoked = true;
    },
    get given() {
      return given;
    },
    lifetimeSeconds: 3600,
  };
  return tokens;
}
