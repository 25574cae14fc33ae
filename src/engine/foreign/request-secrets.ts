import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { registerSecret } from '../../contract/redact.ts';
import type { ExternalSource } from '../../contract/restores.ts';

/** Of this process alone: a digest that was read somewhere is of no use for guessing a weak passphrase. */
const ownKey = randomBytes(32);
/** A plan lives ten minutes; it is looked at again when it is carried out. */
const keptMs = 30 * 60_000;

type Secrets = Pick<ExternalSource, 'credentials' | 'encryption_key'>;
const kept = new Map<string, { secrets: Secrets; until: number }>();

/** A source as it may be written down: its secrets replaced by the digest that they are found by. */
const Concealed = z.looseObject({ secrets: z.string().optional() });

/**
 * A source without its secrets, for a plan: bound to exactly these by their digest. They stay in memory for as long as the
 * plan may be carried out, and are written nowhere.
 */
export function conceal(source: ExternalSource, now = Date.now()): Record<string, unknown> {
  const { credentials, encryption_key, ...rest } = source;
  if (credentials === undefined && encryption_key === undefined) return rest;
  registerSecret(credentials);
  registerSecret(encryption_key);
  for (const [digest, { until }] of kept) if (until < now) kept.delete(digest);
  const text = JSON.stringify([credentials ?? null, encryption_key ?? null]);
  const digest = createHmac('sha256', ownKey).update(text).digest('hex');
  const secrets = {
    ...(credentials === undefined ? {} : { credentials }),
    ...(encryption_key === undefined ? {} : { encryption_key }),
  };
  kept.set(digest, { secrets, until: now + keptMs });
  return { ...rest, secrets: digest };
}

/** Arguments with the secrets in their place again. Throws `plan_expired` when this process does not know them. */
export function reveal(args: Record<string, unknown>): Record<string, unknown> {
  const source = Concealed.safeParse(args.external_source);
  if (!source.success || source.data.secrets === undefined) return args;
  const { secrets: digest, ...rest } = source.data;
  const found = kept.get(digest);
  if (found === undefined) {
    throw new SkybackupError('plan_expired', 'The credentials that this plan was made with are no longer known.');
  }
  return { ...args, external_source: { ...rest, ...found.secrets } };
}
