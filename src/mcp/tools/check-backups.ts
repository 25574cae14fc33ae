import { z } from 'zod';
import type { HealthReason, ServiceHealth } from '../../contract/service-health.ts';
import { worstFirst } from '../../contract/verdict.ts';
import { defineTool } from '../define-tool.ts';
import { findService, serviceLabel } from '../find/service.ts';
import { goOnWith, listArguments, listPage, onePage, type Row } from '../lists/list-page.ts';
import { counted, durationInWords, sizeInWords, timeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';

/** Which tool mends what, for the worst reason of a service. */
const mends: Partial<Record<string, (id: string) => string>> = {
  no_schedule: (id) => `create_schedule with service "${id}", once the person said when`,
  suspended: (id) => `list_schedules with service "${id}", then update_schedule with suspended false`,
  proof_failed: (id) => `create_backup with service "${id}", then wait_for, then verify_backup of what it made`,
  drill_overdue: (id) => `verify_backup with service "${id}", then wait_for`,
  unreadable_schedule: (id) => `list_schedules with service "${id}", then update_schedule with a cron`,
};
const takeOne = (id: string): string => `create_backup with service "${id}", then wait_for: if it fails, it says why`;

export const checkBackups = defineTool({
  name: 'check_backups',
  operation: 'read',
  title: 'Check that backups are well',
  description:
    'Tells for each service, worst first, whether its backups are ok, warning or critical, why, and what to do. First choice for "are we safe?" and when something went wrong.',
  input: z.strictObject({
    service: z.string().max(300).optional(),
    ...listArguments,
  }),
  output: { verdict: 'string', services: 'array', count: 'number', next_cursor: 'string' },
  async run({ service, limit, cursor }, { api, signal }) {
    const only = service === undefined ? undefined : (await findService(api, service, signal)).id;
    const health = await api.getHealth(only, { signal });
    const ordered = worstFirst(health.services);
    const page = await listPage(
      { limit, cursor },
      async () => onePage(ordered),
      only === undefined ? shortRow : longRow,
    );
    const count = (verdict: string): number => ordered.filter((each) => each.verdict === verdict).length;
    const [worst] = ordered;
    return {
      text: [
        `${health.verdict.toUpperCase()}: of ${counted(page.count, 'service')} ${count('critical')} critical, ${count('warning')} warning, ${count('ok')} ok.`,
        ...page.rows.map(({ text }) => text),
      ],
      data: {
        verdict: health.verdict,
        services: page.rows.map(({ data }) => data),
        count: page.count,
        next_cursor: page.next_cursor,
      },
      warnings: page.warnings,
      next: [
        worst && nextFor(worst, api.daemon !== undefined),
        page.next_cursor && goOnWith('check_backups', page.next_cursor),
      ]
        .filter(Boolean)
        .join(' '),
    };
  },
});

function nextFor({ service_id, verdict, reasons }: ServiceHealth, verifies: boolean): string {
  const [worst] = reasons;
  const id = quoteText(service_id, 80);
  if (verdict === 'ok' || worst === undefined)
    return `Nothing has to be done. ${verifies ? 'verify_backup' : 'A restore onto a spare service'}, now and then, proves that backups work.`;
  return `Offer ${(mends[worst.code] ?? takeOne)(id)}.`;
}

/** Among many services: the verdict and what is wrong. */
function shortRow(health: ServiceHealth): Row {
  const wrong = health.reasons.filter(({ level }) => level !== 'note');
  return row(health, wrong.slice(0, 2), wrong.length - 2, {});
}

/** Of one service everything. */
function longRow(health: ServiceHealth): Row {
  const good = health.last_good.map((each) => ({
    type: each.type,
    id: each.backup_id,
    data_of: timeInWords(each.recovery_point),
    size: sizeInWords(each.storage_bytes),
  }));
  const { last_proven_restore: last } = health;
  const proven = last && {
    restore_id: last.restore_id,
    verification_id: last.verification_id,
    backup_id: last.backup_id,
    onto: last.onto,
    at: timeInWords(last.at),
    recovery_took: last.recovery_seconds === undefined ? undefined : durationInWords(last.recovery_seconds * 1000),
  };
  const { text, data } = row(health, health.reasons.slice(0, 6), health.reasons.length - 6, {
    last_good: good,
    last_proven_restore: proven,
  });
  const lines = [
    ...good.map((each) =>
      ['  newest good', each.type, each.data_of, each.size, `id ${quoteText(each.id, 200)}`]
        .filter(Boolean)
        .join(' · '),
    ),
    last && `  ${provenInWords(last)}`,
  ];
  return { text: [text, ...lines.filter(Boolean)].join('\n'), data };
}

type Proof = NonNullable<ServiceHealth['last_proven_restore']>;

function provenInWords({ restore_id, onto, verification_id, backup_id, at, recovery_seconds }: Proof): string {
  const by =
    restore_id === undefined
      ? `verification ${verification_id}`
      : `restore ${restore_id} onto ${quoteText(onto ?? 'a service', 80)}`;
  const took = recovery_seconds === undefined ? '' : `; recovery took ${durationInWords(recovery_seconds * 1000)}`;
  return `last proven by ${by} at ${timeInWords(at)}, from ${quoteText(backup_id, 200)}${took}`;
}

function row(health: ServiceHealth, reasons: HealthReason[], more: number, rest: Record<string, unknown>): Row {
  const label = serviceLabel({ id: health.service_id, name: health.service_name });
  const point = timeInWords(health.recovery_point?.at);
  const head = `- ${label}: ${health.verdict.toUpperCase()} · ${point === undefined ? 'no backup' : `data saved up to ${point}`}`;
  const said = ({ detail }: HealthReason): string =>
    detail === undefined ? '' : ` It said: ${quoteText(detail, 200)}`;
  return {
    text: [
      head,
      ...reasons.map((reason) => `  ${reason.level}: ${reason.message}${said(reason)} → ${reason.next}`),
      ...(more > 0
        ? [`  and ${more} more reasons: call again with service "${quoteText(health.service_id, 80)}"`]
        : []),
    ].join('\n'),
    data: {
      service_id: health.service_id,
      verdict: health.verdict,
      recovery_point: point,
      reasons: reasons.map(({ level, code, message, detail, next }) => ({
        level,
        code,
        message,
        detail: detail && quoteText(detail, 200),
        next,
      })),
      overdue: health.schedules.filter(({ overdue_seconds }) => overdue_seconds > 0).map(({ id }) => id),
      ...rest,
    },
  };
}
