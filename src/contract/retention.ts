import { z } from 'zod';

const hour = 3_600_000;
const durationUnits = { h: hour, d: 24 * hour, w: 7 * 24 * hour, y: 365 * 24 * hour } as const;
const sizeUnits = ['', 'K', 'M', 'G', 'T'];

const durationPattern = /^(0|[1-9]\d{0,4})([hdwy])$/;
const sizePattern = /^([1-9]\d{0,8}(?:\.\d{1,3})?) ?(?:([KMGT])(i?))?B$/i;

/** `36h`, `7d`, `2w`, `1y` in milliseconds. */
export function durationMs(text: string): number {
  const [, count = '', unit = ''] = durationPattern.exec(text) ?? [];
  return Number(count) * durationUnits[unit as keyof typeof durationUnits];
}

/** `500MB`, `1.5 TiB` in bytes: powers of 1000, with an `i` of 1024. */
export function sizeBytes(text: string): number {
  const [, count = '', unit = '', binary = ''] = sizePattern.exec(text) ?? [];
  return Math.floor(Number(count) * (binary === '' ? 1000 : 1024) ** sizeUnits.indexOf(unit.toUpperCase()));
}

const Duration = z.string().regex(durationPattern, 'must be a time such as "36h", "7d", "2w" or "1y"');
const LongerThanNothing = Duration.refine((text) => durationMs(text) > 0, 'must be longer than nothing');
const Size = z.string().max(20).regex(sizePattern, 'must be a size such as "500MB", "50GB" or "1.5 TiB"');
const Count = z.int().min(1).max(10_000);

/**
 * What is kept of a service's backups. The counts choose: a backup that none of them wants goes; without any, all are wanted.
 * The bounds cut: what is older goes, and the oldest go until the size is met. Nothing at all means that everything is kept.
 */
export const RetentionPolicy = z.strictObject({
  /** The newest so many; fulls with their incrementals, and dumps, are counted apart. */
  keep_last: Count.optional(),
  /** The newest of each of so many days (UTC) that have one. Likewise the others; weeks begin on Monday. */
  daily: Count.optional(),
  weekly: Count.optional(),
  monthly: Count.optional(),
  yearly: Count.optional(),
  max_age: LongerThanNothing.optional(),
  max_size: Size.optional(),
  /** How far back every moment stays restorable where binary logs are archived. Default: `max_age`. `0d` promises none. */
  recovery_window: Duration.optional(),
});
export type RetentionPolicy = z.infer<typeof RetentionPolicy>;

/** Where no one has set another. */
export const defaultRetention: RetentionPolicy = { max_age: '7d' };

export const RetentionQuery = z.strictObject({ dry_run: z.stringbool().optional() });

/** One backup that goes or stays, and why. */
export const RetentionDecision = z.looseObject({
  backup_id: z.string(),
  type: z.string(),
  /** The moment the data is of. */
  taken_at: z.string(),
  bytes: z.number().optional(),
  reason: z.string(),
});
export type RetentionDecision = z.infer<typeof RetentionDecision>;

/** What a pass does or would do. Lists are cut at a thousand; the counts are whole. */
export const RetentionPass = z.looseObject({
  expires: z.array(RetentionDecision),
  expires_count: z.number(),
  expires_bytes: z.number(),
  keeps: z.array(RetentionDecision),
  keeps_count: z.number(),
  keeps_bytes: z.number(),
  /** What the policy asks for and a rule forbids. */
  warnings: z.array(z.string()),
});
export type RetentionPass = z.infer<typeof RetentionPass>;

export const Retention = z.looseObject({
  service_id: z.string(),
  policy: RetentionPolicy,
  /** Nobody has set one: this is the daemon's own. */
  is_default: z.boolean(),
  in_words: z.string(),
  /** With `dry_run`: of this policy, now. */
  pass: RetentionPass.optional(),
  /** With `dry_run` of a new policy: how it keeps less than the present one; empty when it does not. */
  shortens: z.array(z.string()).optional(),
  last_pass: z.looseObject({ at: z.string(), message: z.string(), failed: z.boolean() }).optional(),
});
export type Retention = z.infer<typeof Retention>;
