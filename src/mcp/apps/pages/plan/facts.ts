import { element, foreign } from '../elements.ts';
import type { Plan } from './data.ts';

/** Everything that the plan says, what is lost and warned of most visibly. */
export function facts(plan: Plan): HTMLElement[] {
  const rows: [string, string | undefined][] = [
    ['Replaced', plan.replaced],
    ['By', plan.replaced_by],
    ['Data as of', plan.recovery_point],
    ['Size', plan.size],
    ['Takes about', plan.takes_about],
    ['Downtime', plan.expected_downtime],
    ['Stays', plan.keeps?.join('; ')],
    ['Undo', plan.undo],
  ];
  const said = rows.flatMap(([name, value]) =>
    value ? [element('dt', {}, name), element('dd', {}, foreign(value))] : [],
  );
  return [
    note('lost', 'Lost', plan.lost),
    note('warned', 'Warnings', plan.warnings),
    element('dl', {}, ...said),
  ].filter((part) => part !== undefined);
}

function note(look: string, title: string, lines: string[]): HTMLElement | undefined {
  if (lines.length === 0) return undefined;
  return element(
    'section',
    { class: `note ${look}`, 'aria-label': title },
    element('h2', {}, title),
    element('ul', {}, ...lines.map((line) => element('li', {}, foreign(line)))),
  );
}
