export const verdicts = ['ok', 'warning', 'critical'] as const;
export type Verdict = (typeof verdicts)[number];

export function worstOf(all: readonly Verdict[]): Verdict {
  return verdicts.findLast((verdict) => all.includes(verdict)) ?? 'ok';
}

export function worstFirst<T extends { verdict: Verdict }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => verdicts.indexOf(b.verdict) - verdicts.indexOf(a.verdict));
}
