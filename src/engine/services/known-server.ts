import { SkybackupError } from '../../contract/errors.ts';
import type { Connection } from '../../contract/services.ts';
import { connect, type SqlConnection } from '../mariadb/connect.ts';
import { describeLogin, readLogin } from '../mariadb/login.ts';
import type { KnownServer, StoredService } from '../store/services-table.ts';

/** Who answers on this connection. Throws the connection's own named errors. */
export async function readKnownServer(connection: Connection, signal?: AbortSignal): Promise<KnownServer> {
  const server = await connect(connection, signal === undefined ? {} : { signal });
  try {
    return await whoIs(server);
  } finally {
    await server.close();
  }
}

/**
 * Throws `wrong_server` when another server than the registered one answers: an address is no identity. The version is no
 * part of it, since servers are upgraded. For services without a data directory here; with one, the process is the proof.
 */
export async function checkKnownServer(
  { id, connection, server: known }: Pick<StoredService, 'id' | 'connection' | 'server'>,
  server: SqlConnection,
): Promise<void> {
  if (known === undefined) return;
  const found = await whoIs(server);
  const same =
    found.server_id === known.server_id &&
    found.hostname === known.hostname &&
    (known.datadir === undefined || found.datadir === known.datadir);
  if (same) return;
  const address = describeLogin(await readLogin(connection)).replace(/^.* at /, '');
  throw new SkybackupError(
    'wrong_server',
    `Another server than that of ${id} answers at ${address}: ${inWords(found)}; registered was ${inWords(known)}.`,
    { details: { found, registered: known } },
  );
}

async function whoIs(server: SqlConnection): Promise<KnownServer> {
  const [row] = await server.query<{ version: string; server_id: number | bigint; hostname: string; datadir: string }>(
    'SELECT @@version AS version, @@server_id AS server_id, @@hostname AS hostname, @@datadir AS datadir',
  );
  const { version = '', server_id = 0, hostname = '', datadir } = row ?? {};
  return { version, server_id: Number(server_id), hostname, datadir };
}

function inWords({ hostname, server_id, datadir }: KnownServer): string {
  return `${hostname || 'an unnamed host'}, server_id ${server_id}${datadir === undefined ? '' : `, data in ${datadir}`}`;
}
