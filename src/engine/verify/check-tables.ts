import { SkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { quoted } from '../mariadb/quoted.ts';
import { listTables, type TableFacts } from '../mariadb/tables.ts';
import { reachesOut } from '../restore/prove.ts';

interface CheckRow {
  Msg_type: string;
  Msg_text: string;
}

/** What an engine says of a table that is well, or that it cannot check. */
const well = /^(OK|Table is already up to date)$/;
/** As the files were while the server had them open, or an older server wrote them: no damage. */
const harmless = /clients? (is|are) using or|not closed properly|upgrade required|doesn't support check/i;

/** The tables whose rows lie in the data themselves. */
export async function ownTables(server: SqlConnection): Promise<TableFacts[]> {
  return (await listTables(server)).filter(({ engine }) => engine !== null && !reachesOut(engine));
}

/** `CHECK TABLE` of every table. Throws `proof_failed` naming those that are broken, with the engine's words. */
export async function checkTables(server: SqlConnection, job: JobContext): Promise<void> {
  const tables = await ownTables(server);
  job.phase('checking_tables', `CHECK TABLE of ${tables.length} tables.`);
  const broken: string[] = [];
  let [done, all] = [0, tables.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)];
  for (const { schema, name, bytes } of tables) {
    job.signal.throwIfAborted();
    const rows = await server.query<CheckRow>(`CHECK TABLE ${quoted(schema, name)}`);
    const wrong = rows.filter(({ Msg_type, Msg_text }) =>
      /^error$/i.test(Msg_type) || Msg_type === 'status' ? !well.test(Msg_text) && !harmless.test(Msg_text) : false,
    );
    const odd = rows.filter((row) => row.Msg_type === 'warning' && !harmless.test(row.Msg_text));
    if (wrong.length > 0)
      broken.push(`${schema}.${name}: ${[...odd, ...wrong].map(({ Msg_text }) => Msg_text).join('; ')}`);
    else if (odd.length > 0)
      job.warn(`CHECK TABLE of ${schema}.${name}: ${odd.map(({ Msg_text }) => Msg_text).join('; ')}`);
    done += bytes ?? 0;
    all = Math.max(all, done);
    job.progress(done, all);
  }
  if (broken.length === 0) return;
  const more = broken.length > 3 ? `, and ${broken.length - 3} more` : '';
  throw new SkybackupError(
    'proof_failed',
    `CHECK TABLE finds ${broken.length} of ${tables.length} tables broken: ${broken.slice(0, 3).join(' | ')}${more}.`,
  );
}
