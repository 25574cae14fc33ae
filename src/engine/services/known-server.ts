import type { Connection } from '../../contract/services.ts';
import { connect } from '../mariadb/connect.ts';
import type { KnownServer } from '../store/services-table.ts';

/** Who answers on this connection. Throws the connection's own named errors. */
export async function readKnownServer(connection: Connection, signal?: AbortSignal): Promise<KnownServer> {
  const server = await connect(connection, signal === undefined ? {} : { signal });
  try {
    const [row] = await server.query<{ version: string; server_id: number | bigint; hostname: string }>(
      'SELECT @@version AS version, @@server_id AS server_id, @@hostname AS hostname',
    );
    return { version: row?.version ?? '', server_id: Number(row?.server_id ?? 0), hostname: row?.hostname ?? '' };
  } finally {
    await server.close();
  }
}
