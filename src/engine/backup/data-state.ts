import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connectWith } from '../mariadb/connect.ts';
import { containsGtids } from '../mariadb/gtid.ts';
import type { ServerFacts } from '../mariadb/inspect.ts';
import type { Login } from '../mariadb/login.ts';
import { releaseOf } from '../mariadb/version.ts';
import type { Manifest } from '../repository/manifest.ts';

/** How far the data of a running server are, and by what they are known again. */
export interface DataState {
  /** The incarnation written in the data directory; null where none is. */
  marker: string | null;
  /** The system tablespace as a file: inode and time of birth. null when it cannot be looked at. */
  tablespace: string | null;
  lsn: bigint;
  /** `gtid_binlog_state`; '' when the server writes no binary log. */
  gtids: string;
  version: string;
  server_id: number;
  hostname: string;
}

export async function readDataState(login: Login, facts: ServerFacts, signal: AbortSignal): Promise<DataState> {
  const { version, server_id, hostname, variables } = facts;
  const server = await connectWith(login, { signal });
  try {
    const [row] = await server.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Innodb_lsn_current'");
    return {
      marker: facts.incarnation ?? null,
      tablespace: await fileIdentity(systemTablespace(facts)),
      lsn: BigInt(row?.Value ?? '0'),
      gtids: (variables.gtid_binlog_state ?? '').replace(/\s+/g, ''),
      version,
      server_id,
      hostname,
    };
  } finally {
    await server.close();
  }
}

/** What speaks against pages of this server going on from those of an earlier backup. */
export interface Break {
  /** The data are others; else they are the same and only the server is another. */
  replaced: boolean;
  /** What was seen, as the end of "… : ". */
  words: string;
}

/**
 * Whether the server's data are still those that the backup is of, further on. mariadb-backup itself does not notice: it
 * takes an incremental of any data from any LSN, and only a restore would fail.
 */
export function breakSince(earlier: Manifest, now: DataState): Break | undefined {
  const replaced = (words: string): Break => ({ replaced: true, words });
  const then = earlier.server;
  const marker = then.data?.marker ?? null;
  if (now.marker !== marker) {
    return replaced(`the data directory is marked as incarnation ${now.marker ?? 'none'}, and was ${marker ?? 'none'}`);
  }
  // Without a marker the server itself must tell that it is the same.
  if (marker === null && (now.server_id !== then.server_id || now.hostname !== then.hostname)) {
    const name = (server: { server_id: number; hostname: string }) => `${server.server_id} on ${server.hostname}`;
    return replaced(`the server is number ${name(now)}, and was ${name(then)}`);
  }
  const tablespace = then.data?.tablespace ?? null;
  if (now.tablespace !== null && tablespace !== null && now.tablespace !== tablespace) {
    return replaced('its system tablespace is another file than it was');
  }
  if (earlier.lsn !== null && now.lsn < BigInt(earlier.lsn.last)) {
    return replaced(`the server is at LSN ${now.lsn}, behind the backup's ${earlier.lsn.last}`);
  }
  if (!containsGtids(now.gtids, earlier.binlog?.gtid ?? '')) {
    return replaced(
      `its binary log knows the transactions ${now.gtids || 'none'}, and not the backup's ${earlier.binlog?.gtid}`,
    );
  }
  if (releaseOf(now.version) !== releaseOf(then.version)) {
    return { replaced: false, words: `the server is of version ${now.version}, and was ${then.version}` };
  }
  return undefined;
}

/** The first file of `innodb_data_file_path` (`ibdata1:12M:autoextend;…`); it lies in the data directory. */
function systemTablespace({ datadir, variables }: ServerFacts): string {
  return join(datadir, variables.innodb_data_file_path?.split(':')[0] || 'ibdata1');
}

/** A renamed file keeps both, a copied one has others. The inode alone may be given to a new file at once. */
async function fileIdentity(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? null : `${found.ino}-${found.birthtimeNs}`;
}
