import { readFileSync } from 'node:fs';
import { DrillChecks } from '../../contract/verifications.ts';
import { scheduleInWords } from '../../mcp/schedule/words.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';
import { checksOf, type VerifyOptions } from './verify.ts';

export interface DrillOptions extends VerifyOptions {
  cron: string;
  queriesFile?: string;
}

/** Schedules the proving of a service's newest backup. */
export function scheduleDrill(terminal: Terminal, service: string, options: DrillOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    daemonOf(api, 'A drill');
    const { queriesFile } = options;
    const queries = queriesFile === undefined ? {} : { queries: queriesIn(queriesFile) };
    const checks: DrillChecks = { ...checksOf(options), ...queries };
    const made = await api.createSchedule({
      backup_type: 'drill',
      schedule: options.cron,
      service_id: service,
      ...(Object.keys(checks).length === 0 ? {} : { checks }),
    });
    const { words, next } = await scheduleInWords(made.schedule, 3, false);
    terminal.result(made, [
      `Schedule ${made.id} proves the newest backup of ${made.service_id}: ${words}.`,
      `Next runs: ${next.join(', ')}.`,
      ...(made.warnings ?? []),
    ]);
    return exitCodes.done;
  });
}

function queriesIn(file: string): DrillChecks['queries'] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, example);
  }
  const queries = DrillChecks.safeParse({ queries: content });
  if (queries.success) return queries.data.queries;
  const [issue] = queries.error.issues;
  throw new UsageError(`${file} is not a list of queries: ${issue?.path.join('.')} ${issue?.message}.`, example);
}

const example = 'For example: [{"sql": "SELECT COUNT(*) > 1000 FROM shop.orders", "expect": "1"}]';
