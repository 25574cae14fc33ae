import { redact } from '../../contract/redact.ts';
import type { SqlConnection } from './connect.ts';

interface Session {
  id: number;
  user: string;
  host: string;
  command: string;
  seconds: number;
  info: string | null;
  locked_tables: number;
}

/**
 * Who may be holding a backup up, for people, the likeliest first. Sessions that run a statement or hold table locks in
 * InnoDB are known; which idle session did a LOCK TABLES on other engines the server does not tell: then the tables in
 * use and the idle sessions are named.
 */
export async function lockHolders(server: SqlConnection): Promise<{ words: string; sessions: number[] }> {
  const sessions = await server.query<Session>(
    `SELECT p.ID AS id, p.USER AS user, p.HOST AS host, p.COMMAND AS command, p.TIME AS seconds, LEFT(p.INFO, 100) AS info,
            COALESCE(t.trx_tables_locked, 0) AS locked_tables
     FROM information_schema.PROCESSLIST p
     LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID
     WHERE p.ID <> CONNECTION_ID() AND p.COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker')
       AND COALESCE(p.STATE, '') NOT LIKE 'Waiting for %lock%'
     ORDER BY p.TIME DESC`,
  );
  const tables = await server.query<{ Database: string; Table: string }>('SHOW OPEN TABLES WHERE In_use > 0');
  const sure = sessions.filter((session) => session.command !== 'Sleep' || session.locked_tables > 0);
  const suspects = (sure.length > 0 ? sure : sessions).slice(0, 5);
  const inUse = tables.slice(0, 5).map((table) => `${table.Database}.${table.Table}`);
  const words = [
    suspects.length === 0 ? 'no session of which is left' : suspects.map(describe).join('; '),
    ...(inUse.length === 0 ? [] : [`tables in use: ${inUse.join(', ')}`]),
  ];
  return { words: redact(words.join('; ')), sessions: suspects.map((session) => session.id) };
}

function describe({ id, user, host, command, seconds, info }: Session): string {
  const doing = command === 'Sleep' ? `idle for ${seconds} s` : `for ${seconds} s in: ${info ?? command}`;
  return `session ${id} of ${user}@${host}, ${doing}`;
}
