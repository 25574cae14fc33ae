import type { Verification, VerifyRequest } from '../../contract/verifications.ts';
import { durationInWords, sizeInWords } from '../../mcp/sizes-and-times.ts';
import { endedJob, throwIfFailed } from '../job-end.ts';
import { table } from '../table.ts';
import { exitCodes, type Terminal } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface VerifyOptions {
  quick?: boolean;
  checkTable?: boolean;
  rowCounts?: boolean;
  newest?: boolean;
}

/** Proves a backup and waits for the outcome; Ctrl-C ends the waiting alone. */
export function verifyBackup(terminal: Terminal, id: string, options: VerifyOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const daemon = daemonOf(api, 'Verifying a backup');
    const started = await daemon.verifyBackup(id, checksOf(options));
    let phase: string | undefined;
    const job = await endedJob(api, started.job_id ?? 0, Number.POSITIVE_INFINITY, (look) => {
      if (look.phase !== phase) terminal.note(look.message ?? `${look.phase} …`);
      phase = look.phase;
    });
    if (job !== undefined) throwIfFailed(job, 'proof_failed');
    const verification = await daemon.getVerification(started.id);
    terminal.result(verification, inWords(verification));
    return exitCodes.done;
  });
}

/** The checks that the options name. */
export function checksOf({ quick, checkTable, rowCounts, newest }: VerifyOptions): VerifyRequest {
  return {
    ...(quick ? { quick } : {}),
    ...(checkTable ? { check_table: true } : {}),
    ...(rowCounts ? { row_counts: true } : {}),
    ...(newest ? { point_in_time: 'newest' } : {}),
  };
}

function inWords({ message, warnings = [], phases, row_counts = [] }: Verification): string[] {
  const measured = phases.map(({ phase, seconds, bytes }) => [
    phase,
    durationInWords(seconds * 1000),
    sizeInWords(bytes),
  ]);
  const counted = row_counts.map(({ table: name, rows, recorded }) => [
    name,
    String(rows),
    recorded === null ? '' : String(recorded),
  ]);
  return [
    message,
    ...warnings.map((warning) => `Warning: ${warning}`),
    '',
    ...table(['PHASE', 'TOOK', 'BYTES'], measured),
    ...(counted.length === 0 ? [] : ['', ...table(['TABLE', 'ROWS', 'RECORDED'], counted)]),
  ];
}
