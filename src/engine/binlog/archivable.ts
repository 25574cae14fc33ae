import { SkybackupError } from '../../contract/errors.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { binlogPrivileges, currentUser, missingPrivileges } from '../mariadb/privileges.ts';

export interface BinlogServer {
  version: string;
  server_id: number;
  hostname: string;
  /** What the person should know though archiving goes on. */
  warnings: string[];
}

interface Settings {
  version: string;
  server_id: number;
  hostname: string;
  log_bin: number;
  log_slave_updates: number;
  encrypt_binlog: number;
  binlog_checksum: string;
}

/**
 * Whether this server's binary logs can be archived. `recipients`: to whom they are encrypted here. Throws `unsupported` naming the setting in the way, or
 * `privilege_missing`.
 */
export async function lookAtBinlog(
  server: SqlConnection,
  serviceId: string,
  recipients: readonly string[] = [],
): Promise<BinlogServer> {
  const [settings] = await server.query<Settings>(
    `SELECT VERSION() AS version, @@server_id AS server_id, @@hostname AS hostname, @@log_bin AS log_bin,
       @@log_slave_updates AS log_slave_updates, @@encrypt_binlog AS encrypt_binlog, @@GLOBAL.binlog_checksum AS binlog_checksum`,
  );
  if (settings === undefined) throw new Error('the server does not tell its variables');
  if (!settings.log_bin) {
    throw new SkybackupError('unsupported', `The server of ${serviceId} writes no binary log: log_bin is off.`, {
      hint: 'Set log_bin in its option file and restart it, then take a full backup: recovery to a point in time begins there.',
    });
  }
  const missing = await missingPrivileges(server, binlogPrivileges);
  if (missing.length > 0) {
    const user = await currentUser(server);
    throw new SkybackupError('privilege_missing', `The backup user ${user} lacks ${missing.join(', ')}.`, {
      hint: `Run on the server: GRANT ${missing.join(', ')} ON *.* TO ${user};`,
      details: { missing },
    });
  }
  if (!settings.log_slave_updates && (await isReplica(server))) {
    throw new SkybackupError(
      'unsupported',
      `The server of ${serviceId} is a replica that does not log what it replicates: log_slave_updates is off.`,
      {
        hint: 'Set log_slave_updates in its option file and restart it, or archive the binary logs of its primary.',
      },
    );
  }
  const { version, server_id, hostname } = settings;
  const warnings: string[] = [];
  if (settings.encrypt_binlog && recipients.length === 0) {
    warnings.push(
      'The server encrypts its binary logs (encrypt_binlog), and hands them out decrypted: so they are archived, since their storage has no recipients to encrypt to ("skybackup encryption recipients").',
    );
  }
  if (settings.binlog_checksum === 'NONE') {
    warnings.push('binlog_checksum is NONE: damage inside the server’s binary logs cannot be noticed.');
  }
  return { version, server_id, hostname, warnings };
}

/** With the right to ask, whether it is set up as a replica; without, whether it replicates now. */
async function isReplica(server: SqlConnection): Promise<boolean> {
  try {
    return (await server.query('SHOW ALL SLAVES STATUS')).length > 0;
  } catch (error) {
    if (!(error instanceof SkybackupError) || error.code !== 'privilege_missing') throw error;
    const [row] = await server.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Slaves_running'");
    return Number(row?.Value ?? 0) > 0;
  }
}
