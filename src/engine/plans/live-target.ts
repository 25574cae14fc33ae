import { connect, type SqlConnection } from '../mariadb/connect.ts';
import type { StoredService } from '../store/services-table.ts';

/** What a running server says of itself at this moment, for whoever is about to lose its data. */
export interface LiveTarget {
  /** The newest transaction of each domain that it logged. */
  gtids: string;
  /** The addresses of the replicas that follow it now. */
  replicas: string[];
  /** The servers that it follows itself. */
  follows: string[];
}

/** A plan must not wait for a server that hangs. */
const lookMs = 5000;

/** Undefined where it does not answer, or refuses our login. */
export async function lookAtTarget(service: Pick<StoredService, 'connection'>): Promise<LiveTarget | undefined> {
  try {
    const server = await connect(service.connection, { timeoutMs: lookMs, signal: AbortSignal.timeout(lookMs) });
    try {
      const [row] = await server.query<{ gtids: string | null }>('SELECT @@GLOBAL.gtid_binlog_pos AS gtids');
      return { gtids: row?.gtids ?? '', replicas: await replicasOf(server), follows: await followedBy(server) };
    } finally {
      await server.close();
    }
  } catch {
    return undefined;
  }
}

/** Our own archiving reads the log as a replica does. */
async function replicasOf(server: SqlConnection): Promise<string[]> {
  const rows = await server.query<{ host: string }>(
    `SELECT DISTINCT SUBSTRING_INDEX(HOST, ':', 1) AS host FROM information_schema.PROCESSLIST
     WHERE COMMAND LIKE 'Binlog Dump%' AND USER <> SUBSTRING_INDEX(CURRENT_USER(), '@', 1) ORDER BY 1`,
  );
  return rows.map(({ host }) => host || 'this machine');
}

/** Needs a privilege that backups do not: without it, nothing is said. */
async function followedBy(server: SqlConnection): Promise<string[]> {
  const rows = await server.query<{ Master_Host: string }>('SHOW ALL SLAVES STATUS').catch(() => []);
  return rows.map(({ Master_Host }) => Master_Host);
}
