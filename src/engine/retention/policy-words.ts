import { durationMs, type RetentionPolicy, sizeBytes } from '../../contract/retention.ts';
import { windowMs } from './decide.ts';

const counts = ['keep_last', 'daily', 'weekly', 'monthly', 'yearly'] as const;
const spans = { daily: 'day', weekly: 'week', monthly: 'month', yearly: 'year' } as const;

/** One sentence for a person. */
export function policyInWords(policy: RetentionPolicy): string {
  const { keep_last, max_age, max_size, recovery_window } = policy;
  const chosen = [
    ...(keep_last === undefined ? [] : [`the last ${keep_last}`]),
    ...Object.entries(spans).flatMap(([name, span]) => {
      const count = policy[name as keyof typeof spans];
      return count === undefined ? [] : [`the newest of each of ${count} ${span}${count === 1 ? '' : 's'}`];
    }),
  ];
  const what = chosen.length === 0 ? 'every backup' : chosen.join(', ');
  const bounds = [
    ...(max_age === undefined ? [] : [`no older than ${max_age}`]),
    ...(max_size === undefined ? [] : [`together no larger than ${max_size}`]),
  ];
  const window = recovery_window ?? max_age;
  const promise =
    window === undefined || durationMs(window) === 0
      ? ''
      : ` Where binary logs are archived, every moment of the last ${window} stays restorable.`;
  return `Keeps ${[what, ...bounds].join(', ')}.${promise}`;
}

/** How a new policy keeps less than the old one, whatever backups there are, as sentences; empty when it does not. */
export function shortened(before: RetentionPolicy, after: RetentionPolicy): string[] {
  const sentences: string[] = [];
  const less = (
    what: string,
    from: string | number | undefined,
    to: string | number | undefined,
    none: string,
  ): void => {
    sentences.push(`${what}: ${to ?? none} instead of ${from ?? none}.`);
  };
  const choosesBefore = counts.some((name) => before[name] !== undefined);
  if (counts.some((name) => after[name] !== undefined)) {
    if (!choosesBefore) sentences.push('Only the backups that its counts choose are kept, no longer all.');
    for (const name of counts) {
      if (choosesBefore && (after[name] ?? 0) < (before[name] ?? 0)) less(name, before[name], after[name], 'none');
    }
  }
  const shorter = (bound: number | undefined, than: number | undefined): boolean =>
    bound !== undefined && bound < (than ?? Number.POSITIVE_INFINITY);
  const age = (text: string | undefined) => (text === undefined ? undefined : durationMs(text));
  const size = (text: string | undefined) => (text === undefined ? undefined : sizeBytes(text));
  if (shorter(age(after.max_age), age(before.max_age))) less('max_age', before.max_age, after.max_age, 'without limit');
  if (shorter(size(after.max_size), size(before.max_size))) {
    less('max_size', before.max_size, after.max_size, 'without limit');
  }
  if (shorter(windowMs(after), windowMs(before))) {
    const text = (policy: RetentionPolicy) => policy.recovery_window ?? policy.max_age;
    less('recovery_window', text(before), text(after), 'as far as backups reach');
  }
  return sentences;
}
