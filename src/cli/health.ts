import type { Health, HealthReason, ServiceHealth } from '../contract/service-health.ts';
import { durationInWords } from '../mcp/sizes-and-times.ts';
import { table } from './table.ts';
import { exitCodes, type Terminal } from './terminal.ts';
import { withApi } from './with-api.ts';

/** How well services are covered by their backups. Exit code 1 when any is critical, so that cron can raise the alarm. */
export function health(terminal: Terminal, serviceId: string | undefined): Promise<number> {
  return withApi(terminal, async (api) => {
    const report = await api.getHealth(serviceId);
    terminal.result(report, wordsFor(report));
    return report.verdict === 'critical' ? exitCodes.failed : exitCodes.done;
  });
}

function wordsFor({ services }: Health): string[] {
  if (services.length === 0) return ['No services.'];
  const rows = services.map((each) => [
    each.service_id,
    each.verdict.toUpperCase(),
    each.recovery_point?.at ?? 'never backed up',
    each.recovery_point?.type,
    each.last_proven_restore?.at,
    recoveryInWords(each),
  ]);
  const reasons = services.flatMap((each) => each.reasons.flatMap((reason) => ['', ...linesOf(reason)]));
  return [
    ...table(['SERVICE', 'VERDICT', 'DATA SAVED UP TO', 'BY', 'LAST PROVEN RESTORE', 'RECOVERY TOOK'], rows),
    ...reasons,
  ];
}

function recoveryInWords({ last_proven_restore: proven }: ServiceHealth): string | undefined {
  const seconds = proven?.recovery_seconds;
  return seconds === undefined ? undefined : durationInWords(seconds * 1000);
}

function linesOf({ level, message, detail, next }: HealthReason): string[] {
  return [`${level}: ${message}`, ...(detail === undefined ? [] : [`  It said: ${detail}`]), `  Next: ${next}`];
}
