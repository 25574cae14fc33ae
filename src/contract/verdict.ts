export const verdicts = ['ok', 'warning', 'critical'] as const;
export type Verdict = (typeof verdicts)[number];

export function worstOf(all: readonly Verdict[]): Verdict {
  return verdicts.findLast((verdict) => all.includes(verdict)) ?? 'ok';
}
