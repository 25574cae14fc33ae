import type { Plan } from '../../contract/plans.ts';
import { outwardText } from '../outward.ts';
import { durationInWords, sizeInWords, timeInWords } from '../sizes-and-times.ts';

/** A plan for a person: what is replaced by what, what is lost, what cannot be undone. Each line is clean. */
export function planInWords({ facts }: Plan): string {
  const row = (name: string, value: string | undefined): string[] =>
    value === undefined || value === '' ? [] : [`${name}: ${value}`];
  const lines = [
    facts.title,
    ...row('Replaced', facts.replaced),
    ...row('By', facts.replaced_by),
    ...row('Data as of', timeInWords(facts.recovery_point) ?? facts.recovery_point),
    ...row('Size', sizeInWords(facts.size_bytes)),
    ...row(
      'Takes about',
      facts.estimated_seconds === undefined ? undefined : durationInWords(facts.estimated_seconds * 1000),
    ),
    ...row('Downtime', facts.expected_downtime),
    ...facts.lost.map((loss) => `Lost: ${loss}`),
    ...row('Stays', facts.keeps?.join('; ')),
    ...facts.warnings.map((warning) => `Warning: ${warning}`),
    ...row('Undo', facts.undo),
  ];
  return lines.map((line) => outwardText(line, 500)).join('\n');
}

/** The same as data, for hosts that show the model nothing else. */
export function planAsData({ code, facts, expires_at }: Plan): Record<string, unknown> {
  const { size_bytes, estimated_seconds, recovery_point, ...rest } = facts;
  return {
    code,
    expires: timeInWords(expires_at),
    ...rest,
    recovery_point: timeInWords(recovery_point) ?? recovery_point,
    size: sizeInWords(size_bytes),
    takes_about: estimated_seconds === undefined ? undefined : durationInWords(estimated_seconds * 1000),
  };
}
