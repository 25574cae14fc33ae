import { toRfc3339 } from '../../contract/time.ts';
import { type DumpedAccounts, dumpAccounts } from '../dump/accounts.ts';
import { type DumpFacts, dumpedTables, lookForDump, unsafeTables } from '../dump/dump-facts.ts';
import { type RanDump, runDump } from '../dump/run-dump.ts';
import { countSchemaStatements, schemaStatementsSince } from '../dump/schema-statements.ts';
import { sealedName } from '../encryption/age.ts';
import type { JobContext } from '../job-context.ts';
import { connectWith } from '../mariadb/connect.ts';
import { type Login, readLogin } from '../mariadb/login.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import type { TableFacts } from '../mariadb/tables.ts';
import { toolVersion } from '../mariadb/tools.ts';
import { backupPrefix, type Manifest } from '../repository/manifest.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';
import { manifestFrame } from './manifest-frame.ts';
import { orCancelled, publishBackup } from './publish.ts';
import { checkSpace, noSpaceMidway } from './storage-room.ts';
import { withWorkDirectory } from './work-directory.ts';

export interface DumpInput {
  service: ServiceRecord;
  backupId: string;
  repository: BackupRepository;
  /** How long a lock may be waited for. Default 60. */
  lockWaitSeconds?: number;
  /** The fencing check, right before the backup comes to be; throws to forbid that. */
  beforePublish: () => void | Promise<void>;
}

/**
 * Takes a logical dump of all databases and accounts as SQL text, over the connection alone. Tables of InnoDB are read in
 * one transaction while the server goes on; where there are others, all tables are locked against writes meanwhile.
 * Whatever fails, a cancel included, leaves no object, no process and no session.
 */
export async function takeDump(input: DumpInput, job: JobContext): Promise<Manifest> {
  return orCancelled(input.backupId, job, () => take(input, job));
}

async function take(input: DumpInput, job: JobContext): Promise<Manifest> {
  const { service, repository } = input;
  const startedAt = new Date();
  job.phase('connecting');
  const login = await readLogin(service.connection, job.signal);
  const facts = await lookForDump(login, job.signal);
  const tool = await toolVersion('mariadb-dump', job.signal);
  const estimate = facts.tables.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  await checkSpace(repository, estimate);

  return withWorkDirectory(async (work) => {
    await writeOptionFile(work.optionFile, 'mariadb-dump', login);
    const accounts = await dumpAccounts(work.optionFile, facts.pluginAccounts, job.signal);
    const unsafe = unsafeTables(facts.tables);
    warnBefore({ facts, accounts, unsafe }, job);
    job.phase('copying');
    job.progress(0, estimate);
    const lockAll = unsafe.length > 0;
    const ran = await run(input, job, { login, facts, accounts, optionFile: work.optionFile, estimate, lockAll });
    for (const warning of ran.warnings) job.warn(`mariadb-dump warned: ${warning}`);
    if (ran.unfit !== undefined) job.warn(ran.unfit);

    job.phase('publishing');
    const manifest = describe(input, { facts, ran, tool, startedAt });
    await publishBackup(input, manifest, job);
    return manifest;
  });
}

interface RunFacts {
  login: Login;
  facts: DumpFacts;
  accounts: DumpedAccounts;
  optionFile: string;
  estimate: number;
  lockAll: boolean;
}

interface Fitness {
  /** Why no binary logs may be rolled forward over the dump. */
  unfit: string | undefined;
}

async function run(
  { service, backupId, repository, lockWaitSeconds = 60 }: DumpInput,
  job: JobContext,
  { login, facts, accounts, optionFile, estimate, lockAll }: RunFacts,
): Promise<RanDump & Fitness> {
  const key = `${backupPrefix(service.id, backupId)}/${sealedName('data.sql.zst', repository.recipients)}`;
  let waits = false;
  let unfit: string | undefined;
  try {
    const ran = await runDump({
      facts,
      login,
      optionFile,
      accounts: leftOutViews(facts) + accounts.sql,
      lockAll,
      lockWaitSeconds,
      signal: job.signal,
      onWhole: async () => {
        if (!lockAll) unfit = await whyUnfit(login, facts, job.signal);
      },
      recipients: repository.recipients,
      store: (body) => repository.putObject(key, body, job.signal),
      onBytes: (bytes) => job.progress(bytes, Math.max(bytes, estimate)),
      onWaiting: (now) => {
        if (now) job.phase('waiting for lock', "The server has not granted the dump's lock yet.");
        else if (waits) job.phase('copying');
        waits = now;
      },
    });
    return { ...ran, unfit };
  } catch (error) {
    throw noSpaceMidway(error, service, estimate);
  }
}

function warnBefore(
  { facts, accounts, unsafe }: { facts: DumpFacts; accounts: DumpedAccounts; unsafe: TableFacts[] },
  job: JobContext,
): void {
  const { brokenViews, history, variables } = facts;
  if (unsafe.length > 0) {
    const names = unsafe.map((table) => `${table.schema}.${table.name} (${table.engine})`);
    job.warn(
      `All tables were locked against writes during the dump, because ${unsafe.length} of them are not InnoDB's: ${few(names)}.`,
    );
  }
  if (brokenViews.length > 0) {
    const names = brokenViews.map((view) => `${view.schema}.${view.name}`);
    job.warn(
      `${brokenViews.length} views do not work on the server and are in the dump as comments only: ${few(names)}.`,
    );
  }
  if (accounts.leftOut.length > 0) {
    job.warn(
      `${accounts.leftOut.length} accounts are not in the dump, the server ignores them itself (skip_name_resolve): ${few(accounts.leftOut)}.`,
    );
  }
  if (history === 'lost') {
    job.warn(
      'System-versioned tables are in the dump as they are now, without their history: one is versioned by transaction.',
    );
  }
  if (variables.log_slave_updates === 'OFF' && (variables.gtid_slave_pos ?? '') !== '') {
    job.warn(
      'This replica does not log what it replicates (log_slave_updates is OFF): no binary logs lead on from the dump.',
    );
  }
}

function few(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', ');
}

/** What was left out stays readable; each line a comment, whatever a name or a definition contains. */
function leftOutViews({ brokenViews }: DumpFacts): string {
  const lines = brokenViews.flatMap(({ schema, name, reason, definition }) => [
    `View ${schema}.${name} does not work on the server and was left out: ${reason}`,
    definition ?? '',
  ]);
  return lines.map((line) => `-- ${line.replaceAll(/[\r\n\0]/g, ' ')}\n`).join('');
}

/**
 * Logs are rolled forward from one moment. A table that came, went or became unsafe meanwhile is of another; and so may be
 * one that was renamed, which the dump's transaction does not notice as it does one that was altered or emptied.
 */
async function whyUnfit(login: Login, facts: DumpFacts, signal: AbortSignal): Promise<string | undefined> {
  const server = await connectWith(login, { signal });
  try {
    const after = await dumpedTables(server);
    const name = (table: TableFacts): string => `${table.schema}.${table.name} ${table.engine}`;
    const [then, now] = [new Set(facts.tables.map(name)), new Set(after.map(name))];
    const changed = [...then].filter((each) => !now.has(each)).concat([...now].filter((each) => !then.has(each)));
    if (changed.length > 0) {
      return `Tables came or went while the dump was taken (${few(changed)}): no binary logs can be rolled forward over it.`;
    }
    const statements = schemaStatementsSince(facts.schemaStatements, await countSchemaStatements(server));
    if (statements.length === 0) return undefined;
    return `Schemas were changed while the dump was taken (${few(statements)}): a table may be in it as it was afterwards, and no binary logs can be rolled forward over it.`;
  } finally {
    await server.close();
  }
}

function describe(input: DumpInput, { facts, ran, tool, startedAt }: DescribedDump): Manifest {
  return {
    ...manifestFrame(input, startedAt),
    type: 'dump',
    method: 'mariadb-dump',
    parent: null,
    full: null,
    lsn: null,
    binlog: ran.binlog,
    server: {
      version: facts.version,
      server_id: facts.server_id,
      hostname: facts.hostname,
      options: fileOptions(facts.variables),
      ...(facts.timeZones ? { time_zones: true } : {}),
    },
    tool_version: tool,
    tables: facts.tables,
    point_in_time: toRfc3339(ran.dataOf),
    ...(ran.unfit === undefined ? {} : { unfit_for_point_in_time: ran.unfit }),
    objects: [ran.object],
    disk_bytes: ran.bytes,
    sql: { longest_line: ran.longestLine, roles: facts.roles, unsafe_functions: facts.unsafeFunctions },
  };
}

interface DescribedDump {
  facts: DumpFacts;
  ran: RanDump & Fitness;
  tool: string;
  startedAt: Date;
}
