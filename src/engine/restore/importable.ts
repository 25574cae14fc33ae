import { SkybackupError } from '../../contract/errors.ts';
import { seeServer } from '../control/seen-server.ts';
import { knowsTimeZones } from '../dump/dump-facts.ts';
import { connect, type SqlConnection } from '../mariadb/connect.ts';
import { currentUser, missingForEverything } from '../mariadb/privileges.ts';
import { findTool } from '../mariadb/tools.ts';
import { globalVariables } from '../mariadb/variables.ts';
import { seriesOf } from '../mariadb/version.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { StoredService } from '../store/services-table.ts';
import { checkEngines } from './import-dump.ts';
import { importLock } from './import-session.ts';
import { checkOpenable, compareSeries } from './restorable.ts';

/** A restore that imports into the running server: of a dump, where the data are not on this machine. */
export function isImport({ datadir }: Pick<StoredService, 'datadir'>, { type }: { type: string }): boolean {
  return datadir === undefined && type === 'dump';
}

/** What a look at the target of an import found. */
export interface ImportFacts {
  /** All but the server's own: they are dropped. */
  databases: string[];
  /** Whether it writes a binary log, in which the import is then. */
  binaryLog: boolean;
  /** What the person should know though it can be done. */
  warnings: string[];
}

/** Of a statement, beside its rows. */
const packetMargin = 64 * 1024;
/** What mariadb-dump joins rows up to. */
const joinedRows = 1024 * 1024;

type Variables = Readonly<Record<string, string>>;

/** Settings under which an import would fail in its middle, or give something else than the dump. */
const obstacles: readonly {
  name: string;
  stands: (value: string, dump: Manifest) => boolean;
  why: string;
  hint: string;
}[] = [
  {
    name: 'read_only',
    stands: isOn,
    why: 'it takes no changes, and may be a replica',
    hint: 'Import into its primary; or SET GLOBAL read_only = OFF.',
  },
  {
    name: 'innodb_read_only',
    stands: isOn,
    why: 'its tables cannot be changed',
    hint: 'Start it without innodb_read_only.',
  },
  {
    name: 'innodb_force_recovery',
    stands: (value) => value !== '0',
    why: 'it was started for rescuing data',
    hint: 'Start it without innodb_force_recovery, or restore into a new service.',
  },
  {
    name: 'wsrep_on',
    stands: isOn,
    why: 'it is a node of a Galera cluster, which does not carry over all that a dump makes',
    hint: 'Restore into a new service, and copy from there.',
  },
  {
    name: 'event_scheduler',
    stands: isOn,
    why: 'events of the dump would run on data that are imported in part',
    hint: 'SET GLOBAL event_scheduler = OFF, restore, and set it ON again.',
  },
  {
    name: 'event_scheduler',
    stands: (value) => value === 'DISABLED',
    why: 'events of the dump could not be made',
    hint: 'Start it with event_scheduler = OFF.',
  },
  {
    name: 'enforce_storage_engine',
    stands: (value) => value !== '',
    why: 'tables of other engines could not be made',
    hint: 'SET GLOBAL enforce_storage_engine = NULL, restore, and set it again.',
  },
  {
    name: 'lower_case_table_names',
    stands: (value, { server }) => value !== (server.options.lower_case_table_names ?? value),
    why: 'the dumped server tells names apart in another way',
    hint: 'Restore into a new service, and copy from there.',
  },
];

function isOn(value: string): boolean {
  return /^(ON|1)$/i.test(value);
}

/**
 * Whether this dump can be imported into the server of a service, decided before anything is touched. Throws what stands
 * against it by name: `unsupported`, `identity_missing`, `version_mismatch`, `privilege_missing`, `wrong_server`, `service_down`, `conflict`.
 */
export async function checkImportable(
  dump: Manifest,
  repository: Repository,
  target: StoredService,
  signal: AbortSignal,
): Promise<ImportFacts> {
  await checkOpenable({ backups: [dump] }, repository);
  for (const tool of ['zstd', 'mariadb'] as const) findTool(tool);
  await seeServer(target, signal);
  const server = await connect(target.connection, { signal });
  try {
    return await lookOver(dump, target, server);
  } finally {
    await server.close();
  }
}

async function lookOver(dump: Manifest, { id }: StoredService, server: SqlConnection): Promise<ImportFacts> {
  const variables = await globalVariables(server);
  const { version = '' } = variables;
  compareSeries(dump, version, id);
  await checkPrivileges(dump, id, server);
  refuseSettings(dump, id, variables);
  checkPacket(dump, id, variables);
  checkFunctions(dump, id, variables);
  await refuseReplica(id, server);
  await refuseSecondImport(id, server);
  await checkPasswords(id, server, variables);
  await checkEngines(dump, server);
  if (dump.server.time_zones && !(await knowsTimeZones(server))) {
    throw refused(
      `${id} knows no time zones by name, and the dumped server did: an event of one would end the import.`,
      {
        hint: 'Load them there: mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql.',
      },
    );
  }
  const [from, to] = [seriesOf(dump.server.version), seriesOf(version)];
  return {
    databases: await databasesOf(server),
    binaryLog: isOn(variables.log_bin ?? ''),
    warnings: from === to ? [] : [`The dump was taken from MariaDB ${from} and is imported into ${to}.`],
  };
}

async function checkPrivileges(dump: Manifest, id: string, server: SqlConnection): Promise<void> {
  const user = await currentUser(server);
  const { missing, statements } = await missingForEverything(server, user, dump.sql?.roles ?? []);
  if (missing.length === 0) return;
  throw new SkybackupError(
    'privilege_missing',
    `The login of skybackup on ${id}, ${user}, lacks ${missing.join(', ')}. An import makes everything anew, accounts with any rights included, and a backup does not need that.`,
    {
      hint: `Run on the server: ${statements.join('; ')}; and take it back after the restore. Or restore into a new service, and copy from there.`,
      details: { missing },
    },
  );
}

function refuseSettings(dump: Manifest, id: string, variables: Variables): void {
  for (const { name, stands, why, hint } of obstacles) {
    const value = variables[name];
    if (value === undefined || !stands(value, dump)) continue;
    throw refused(`${name} of ${id} is ${value}: ${why}.`, { hint, details: { variable: name, value } });
  }
}

function checkPacket(dump: Manifest, id: string, { max_allowed_packet: allowed }: Variables): void {
  if (dump.sql === undefined) {
    throw refused(
      `The dump ${dump.id} does not tell how large its rows are, and would replace passwords of accounts that ${id} has.`,
      { hint: 'Take a new dump, or restore this one into a new service.' },
    );
  }
  const needed = Math.max(dump.sql.longest_line, joinedRows) + packetMargin;
  if (allowed === undefined || Number(allowed) >= needed) return;
  throw refused(
    `max_allowed_packet of ${id} is ${allowed}, and the dump needs ${needed}: its largest row would not pass.`,
    {
      // The server rounds down to whole kilobytes.
      hint: `Run on the server: SET GLOBAL max_allowed_packet = ${Math.ceil(needed / 1024) * 1024}.`,
      details: { variable: 'max_allowed_packet', found: Number(allowed), needed },
    },
  );
}

function checkFunctions({ sql }: Manifest, id: string, variables: Variables): void {
  const [first] = sql?.unsafe_functions ?? [];
  const trusts = isOn(variables.log_bin_trust_function_creators ?? '');
  if (first === undefined || trusts || !isOn(variables.log_bin ?? '')) return;
  throw refused(
    `log_bin_trust_function_creators of ${id} is OFF: it would not make functions of the dump that do not say what they do (${first}).`,
    {
      hint: 'SET GLOBAL log_bin_trust_function_creators = ON, restore, and set it OFF again.',
      details: { variable: 'log_bin_trust_function_creators', functions: sql?.unsafe_functions },
    },
  );
}

/** Also one that is stopped: it would go on from the wrong data. */
async function refuseReplica(id: string, server: SqlConnection): Promise<void> {
  const [master] = await server.query<{ Master_Host: string }>('SHOW ALL SLAVES STATUS');
  if (master === undefined) return;
  throw refused(`${id} follows ${master.Master_Host} as a replica: an import would break its replication.`, {
    hint: 'Import into its primary; or end the replication for good (RESET SLAVE ALL).',
  });
}

async function refuseSecondImport(id: string, server: SqlConnection): Promise<void> {
  const [row] = await server.query<{ session: number | null }>('SELECT IS_USED_LOCK(?) AS session', [importLock]);
  if (row?.session == null) return;
  throw new SkybackupError('conflict', `Session ${row.session} on ${id} still carries out an earlier import.`, {
    hint: `Wait until it has ended; or end it: KILL ${row.session}.`,
  });
}

/** The dump gives passwords as hashes, which nobody can judge. */
async function checkPasswords(id: string, server: SqlConnection, variables: Variables): Promise<void> {
  if (!isOn(variables.strict_password_validation ?? '')) return;
  const [plugin] = await server.query<{ name: string }>(
    "SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE'",
  );
  if (plugin === undefined) return;
  throw refused(
    `strict_password_validation of ${id} is ON with ${plugin.name}: accounts of the dump could not be made.`,
    {
      hint: 'SET GLOBAL strict_password_validation = OFF, restore, and set it ON again.',
    },
  );
}

/** Without the server's own, and without folders that only look like one: `#mysql50#lost+found`. */
export async function databasesOf(server: SqlConnection): Promise<string[]> {
  const rows = await server.query<{ name: string }>(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA
     WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
       AND SCHEMA_NAME NOT LIKE '#mysql50#%' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

function refused(message: string, options: { hint: string; details?: Record<string, unknown> }): SkybackupError {
  return new SkybackupError('unsupported', message, options);
}
