import { encode } from 'gpt-tokenizer';
import { themeOf } from './cases/all.ts';
import type { EvalCase } from './eval-case.ts';
import type { Played } from './play.ts';

export interface CaseReport {
  id: string;
  theme: string;
  passed: boolean;
  must_never: string[];
  reasons: string[];
  calls: number;
  /** Of everything that was said and answered, tools and instructions not counted. */
  tokens: number;
}

export interface EvalReport {
  model: string;
  note: string;
  passed: number;
  failed: number;
  must_never: number;
  themes: Record<string, { passed: number; failed: number; must_never: number; calls: number; tokens: number }>;
  cases: CaseReport[];
}

export function caseReport(evalCase: EvalCase, { passed, mustNever, reasons, transcript }: Played): CaseReport {
  return {
    id: evalCase.id,
    theme: themeOf(evalCase),
    passed,
    must_never: mustNever,
    reasons,
    calls: transcript.calls.length,
    tokens: encode(JSON.stringify(transcript.messages)).length,
  };
}

export function evalReport(model: string, cases: CaseReport[]): EvalReport {
  const count = (some: CaseReport[]) => ({
    passed: some.filter(({ passed }) => passed).length,
    failed: some.filter(({ passed }) => !passed).length,
    must_never: some.filter(({ must_never }) => must_never.length > 0).length,
  });
  const sum = (some: CaseReport[], of: 'calls' | 'tokens'): number => some.reduce((total, each) => total + each[of], 0);
  const themes = [...new Set(cases.map(({ theme }) => theme))].map((theme) => {
    const own = cases.filter((each) => each.theme === theme);
    return [theme, { ...count(own), calls: sum(own, 'calls'), tokens: sum(own, 'tokens') }] as const;
  });
  const note = 'One run says little: models answer differently each time.';
  return { model, note, ...count(cases), themes: Object.fromEntries(themes), cases };
}

export function reportInWords({ model, note, passed, failed, must_never, themes, cases }: EvalReport): string {
  const rows = [
    ['theme', 'passed', 'failed', 'must never', 'calls', 'tokens'],
    ...Object.entries(themes).map(([theme, each]) => [
      theme,
      ...[each.passed, each.failed, each.must_never, each.calls, each.tokens].map(String),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const table = rows.map((row) => row.map(pad).join('  '));
  const wrong = cases.flatMap(({ id, reasons }) =>
    reasons.length === 0 ? [] : [id, ...reasons.map((why) => `  ${why}`)],
  );
  return [
    ...wrong,
    ...(wrong.length > 0 ? [''] : []),
    ...table,
    '',
    `${model}: ${passed} passed, ${failed} failed; in ${must_never} cases something happened that must never happen. ${note}`,
  ].join('\n');
}
