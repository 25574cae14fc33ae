import { z } from 'zod';
import { SkybackupError } from './errors.ts';

export interface S3Credentials {
  kind: 's3';
  access_key_id: string;
  secret_access_key: string;
  session_token?: string;
  region?: string;
  endpoint_url?: string;
}
export interface GcsCredentials {
  kind: 'gcs';
  /** The service-account key as parsed JSON. */
  key: Record<string, unknown> & { client_email: string; private_key: string };
}
export type BucketCredentials = S3Credentials | GcsCredentials;

const ServiceAccountKey = z.looseObject({
  type: z.literal('service_account'),
  client_email: z.string(),
  private_key: z.string(),
});

/**
 * Decodes the contract's base64 credentials: an INI text for S3 or a service-account JSON key for GCS.
 * The documentation's own shell line encodes a literal backslash-n; that form is accepted too.
 * Errors never quote the text.
 */
export function decodeCredentials(base64: string): BucketCredentials {
  const compact = base64.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(compact)) throw invalid('they are not base64');
  return readCredentials(Buffer.from(compact, 'base64').toString('utf8'));
}

/**
 * Reads the text of a credentials file: a service-account key, or an INI text as of `~/.aws/credentials`. Of its profiles the
 * one that is asked for is taken, else `[default]`, else the only one: never one of several by chance.
 */
export function readCredentials(text: string, profile?: string): BucketCredentials {
  const trimmed = text.trim();
  return trimmed.startsWith('{') ? decodeJson(trimmed) : decodeIni(trimmed, profile);
}

/** The contract's base64 of credentials, with nothing else that was in their file. */
export function encodeCredentials(credentials: BucketCredentials): string {
  if (credentials.kind === 's3') return encodeS3Credentials(credentials);
  return Buffer.from(JSON.stringify(credentials.key)).toString('base64');
}

/** The INI text that `decodeCredentials` reads, in base64. */
export function encodeS3Credentials(credentials: Omit<S3Credentials, 'kind'>): string {
  const { access_key_id, secret_access_key, session_token, region, endpoint_url } = credentials;
  const lines = Object.entries({
    aws_access_key_id: access_key_id,
    aws_secret_access_key: secret_access_key,
    aws_session_token: session_token,
    region,
    endpoint_url,
  }).flatMap(([key, value]) => (value === undefined ? [] : [`${key} = ${value}`]));
  return Buffer.from(`[default]\n${lines.join('\n')}\n`).toString('base64');
}

function decodeJson(text: string): GcsCredentials {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid('they start like JSON and are not');
  }
  const key = ServiceAccountKey.safeParse(json);
  if (!key.success) throw invalid('a service-account key needs type, client_email and private_key');
  return { kind: 'gcs', key: key.data };
}

function decodeIni(text: string, profile: string | undefined): S3Credentials {
  const values = valuesOf(profilesIn(text), profile);
  const access = values.get('aws_access_key_id');
  const secret = values.get('aws_secret_access_key');
  if (!access || !secret) throw invalid('aws_access_key_id and aws_secret_access_key are needed');
  const optional = {
    session_token: values.get('aws_session_token'),
    region: values.get('region'),
    endpoint_url: values.get('endpoint_url'),
  };
  return {
    kind: 's3',
    access_key_id: access,
    secret_access_key: secret,
    ...(Object.fromEntries(
      Object.entries(optional).filter(([, value]) => value !== undefined),
    ) as Partial<S3Credentials>),
  };
}

/** Lines before any heading are of `default`. */
function profilesIn(text: string): Map<string, Map<string, string>> {
  const profiles = new Map<string, Map<string, string>>();
  let name = 'default';
  for (const line of text.replaceAll('\\n', '\n').split(/\r?\n/)) {
    // As ~/.aws/config has them: [profile name].
    name = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line)?.[1] ?? name;
    const [, key, value] = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/i.exec(line) ?? [];
    if (key === undefined || !value) continue;
    const values = profiles.get(name) ?? new Map<string, string>();
    profiles.set(name, values.set(key.toLowerCase(), value));
  }
  return profiles;
}

function valuesOf(profiles: Map<string, Map<string, string>>, wanted: string | undefined): Map<string, string> {
  if (wanted === undefined && profiles.size > 1 && !profiles.has('default')) {
    throw invalid('they have several profiles, and none of them is [default]');
  }
  const values =
    wanted === undefined && profiles.size === 1 ? [...profiles.values()][0] : profiles.get(wanted ?? 'default');
  if (values === undefined && wanted !== undefined) throw invalid(`they have no profile [${wanted.slice(0, 100)}]`);
  return values ?? new Map();
}

function invalid(why: string): SkybackupError {
  return new SkybackupError('invalid_request', `The bucket credentials cannot be read: ${why}.`, {
    hint: 'Give one base64 text: of an INI file for S3, or of a service-account JSON key for GCS.',
  });
}
