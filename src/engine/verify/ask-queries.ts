import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { OwnQuery } from '../../contract/verifications.ts';
import type { JobContext } from '../job-context.ts';
import { connectWith, type SqlConnection } from '../mariadb/connect.ts';
import { passwordHash, randomPassword } from '../mariadb/native-account.ts';

const account = '`skybackup_reader`@`localhost`';
/** A question that takes longer than this would keep the drill from its end. */
const longestSeconds = 600;

/**
 * Asks a person's own questions on the private server, as an account that may read tables and nothing else: no files, no
 * functions of others, no writes. Throws `proof_failed` naming each that was answered otherwise than expected, or not at all.
 */
export async function askQueries(
  queries: readonly OwnQuery[],
  server: SqlConnection,
  socket: string,
  job: JobContext,
): Promise<void> {
  job.phase('asking', `Asking ${queries.length} own queries.`);
  const password = randomPassword();
  await server.query('SET SESSION sql_log_bin = 0');
  await server.query(`CREATE OR REPLACE USER ${account} IDENTIFIED BY PASSWORD '${passwordHash(password)}'`);
  await server.query(`GRANT SELECT, SHOW VIEW ON *.* TO ${account}`);
  const reader = await connectWith({ socket, user: 'skybackup_reader', password }, { signal: job.signal });
  const wrong: string[] = [];
  try {
    await reader.query(`SET SESSION max_statement_time = ${longestSeconds}`);
    await reader.query('START TRANSACTION READ ONLY');
    for (const { sql, expect } of queries) {
      const answer = await ask(reader, sql, job.signal);
      if (answer !== expect) wrong.push(`${cut(sql)} gave ${cut(answer)}, not ${cut(expect)}`);
    }
  } finally {
    await reader.close();
  }
  if (wrong.length === 0) return;
  const more = wrong.length > 3 ? ` | and ${wrong.length - 3} more` : '';
  throw new SkybackupError(
    'proof_failed',
    `${wrong.length} of ${queries.length} queries did not give what was expected: ${wrong.slice(0, 3).join(' | ')}${more}.`,
  );
}

/** The first column of the first row as the server writes it. */
async function ask(reader: SqlConnection, sql: string, signal: AbortSignal): Promise<string> {
  try {
    const rows = await reader.raw.query<unknown[][]>({
      sql,
      rowsAsArray: true,
      typeCast: (column) => column.string(),
    });
    const [first] = Array.isArray(rows) ? rows : [];
    return first === undefined ? 'no row' : String(first[0] ?? 'NULL');
  } catch (error) {
    signal.throwIfAborted();
    return `an error (${error instanceof Error ? error.message : toSkybackupError(error).message})`;
  }
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return `"${line.length > 120 ? `${line.slice(0, 119)}…` : line}"`;
}
