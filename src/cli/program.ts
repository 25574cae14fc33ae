import { Command, CommanderError } from 'commander';
import { version } from '../client/version.ts';
import { encryptionCommands } from './encryption/commands.ts';
import { storageCommands } from './storages/commands.ts';
import { exitCodes, openTerminal, type Terminal } from './terminal.ts';

/** Runs one command line and returns its exit code: 0, 1 (failed) or 2 (usage). Commands are loaded when they are called. */
export async function runProgram(args: string[]): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = new Command('skybackup')
    .description('Talk to your MariaDB backups: in the SkySQL / MariaDB Cloud, or on your own servers.')
    .version(version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .enablePositionalOptions();

  /** A subcommand: `run` gets the terminal and whatever commander parsed. */
  function command(
    parent: Command,
    words: string,
    description: string,
    run: (terminal: Terminal, command: Command) => Promise<number>,
  ): Command {
    return parent
      .command(words)
      .description(description)
      .option('--json', 'print the result as JSON')
      .exitOverride()
      .action(async (...given: unknown[]) => {
        const self = given.at(-1) as Command;
        const terminal = openTerminal(self.opts().json === true);
        exitCode = await run(terminal, self).catch(terminal.fail);
      });
  }
  const group = (name: string, description: string): Command =>
    program.command(name).description(description).exitOverride();

  command(program, 'mcp', 'the MCP server on stdin and stdout', async (terminal) =>
    (await import('./mcp.ts')).mcp(terminal),
  );
  command(program, 'serve', 'the daemon, in the foreground', async (terminal, self) =>
    (await import('./serve.ts')).serve(terminal, self.opts()),
  )
    .option('--listen <host:port>', 'answer HTTP there too; keys are then needed')
    .option('--agent-group <group>', 'answer on agent.sock too, where members of this group may ask and not approve')
    .option('--idle-minutes <minutes>', 'stop when nothing was asked for that long and nothing is scheduled or managed')
    .option('--requests-per-minute <number>', 'what each key may ask for (600); beyond it the answer is 429')
    .option('--rebuild', 'first forget the list of backups, and find every one again in all storages')
    .option('--parallel <files>', 'how many files a full or incremental backup reads at once (2, at most 64)')
    .option('--started-by <who>', 'client or person', 'person');

  const services = group('services', 'MariaDB servers that are backed up');
  command(services, 'list', 'all services', async (terminal) =>
    (await import('./services/list.ts')).listServices(terminal),
  );
  command(services, 'add <id>', 'register a server with the daemon, or make an empty one', async (terminal, self) =>
    (await import('./services/add.ts')).addService(terminal, first(self), self.opts()),
  )
    .option('--managed', "an empty server of the daemon's own")
    .option('--name <name>', 'a name for people')
    .option('--socket <path>', "the server's Unix socket")
    .option('--host <host>', "the server's host")
    .option('--port <port>', "the server's port")
    .option('--user <user>', 'the backup account')
    .option('--password-file <path>', 'a file that holds its password alone')
    .option('--defaults-file <path>', 'an option file with a [client] group')
    .option(
      '--datadir <path>',
      "the server's data directory: needed for full backups; without it: dumps and binary logs",
    )
    .option('--systemd <unit>', 'how it is stopped and started: a systemd unit')
    .option('--stop-command <command>', 'or: a command that stops it')
    .option('--start-command <command>', 'and one that starts it')
    .option('--no-nightly', 'without the nightly backup (a full one; a dump without --datadir)');
  command(
    services,
    'connect <id> [arguments...]',
    'the mariadb client on it; its own options after --',
    async (terminal, self) =>
      (await import('./services/connect.ts')).connectToService(terminal, first(self), afterDashes(self.args.slice(1))),
  ).passThroughOptions();
  command(services, 'start <id>', 'start it, and wait until it answers', async (terminal, self) =>
    (await import('./services/power.ts')).setPower(terminal, first(self), true),
  );
  command(services, 'stop <id>', 'stop it, and wait until it is proven gone', async (terminal, self) =>
    (await import('./services/power.ts')).setPower(terminal, first(self), false),
  );
  command(
    services,
    'lock <id>',
    'refuse restores onto it, stops and weaker protection to every tool; backups go on',
    async (terminal, self) => (await import('./services/lock.ts')).lockService(terminal, first(self), self.opts()),
  )
    .option('--until <time>', 'when it ends by itself: 2026-01-31T18:00:00Z, or "2026-01-31 18:00:00" (UTC)')
    .option('--reason <words>', 'why; shown to whoever is refused');
  command(services, 'unlock <id>', 'end its lock', async (terminal, self) =>
    (await import('./services/lock.ts')).unlockService(terminal, first(self)),
  );
  command(services, 'forget <id>', 'take it off the list; its data and backups stay', async (terminal, self) =>
    (await import('./services/forget.ts')).forgetService(terminal, first(self)),
  );
  command(
    services,
    'remove <id>',
    "stop a server of the daemon's own and delete its data, once its id is typed; its backups stay",
    async (terminal, self) => (await import('./services/remove.ts')).removeService(terminal, first(self), self.opts()),
  ).option('--confirm <id>', 'its id, typed by a person who has no terminal');

  const binlogs = group('binlogs', 'archived binary logs');
  command(
    binlogs,
    'export <service>',
    "write the archived logs as the server's own files, with an index and their GTID range, from all storages of this home",
    async (terminal, self) => (await import('./binlogs/export.ts')).exportBinlogs(terminal, first(self), self.opts()),
  )
    .option('--to <dir>', 'a new directory')
    .option('--from-gtid <position>', 'only the logs that hold something after it');

  const restores = group('restores', 'backups brought back');
  command(restores, 'list [service]', 'restores, newest first', async (terminal, self) =>
    (await import('./restores/list.ts')).listRestores(terminal, self.args[0]),
  );
  command(restores, 'kept', 'data of before restores: what can be put back, and until when', async (terminal) =>
    (await import('./restores/list.ts')).listKept(terminal),
  );
  command(
    restores,
    'undo <id>',
    'put the data of before a restore back, once the id of its service is typed',
    async (terminal, self) => (await import('./restores/undo.ts')).undoRestore(terminal, first(self), self.opts()),
  ).option('--confirm <id>', "the service's id, typed by a person who has no terminal");
  command(restores, 'discard <id>', 'delete the data of before a restore ahead of their time', async (terminal, self) =>
    (await import('./restores/undo.ts')).discardKept(terminal, first(self), self.opts()),
  ).option('--confirm <id>', "the service's id, typed by a person who has no terminal");
  command(
    restores,
    'copy <backup>',
    'make a new service of a backup (or, with a moment, of a service): nothing is replaced, nobody has to approve it',
    async (terminal, self) => (await import('./restores/copy.ts')).copyBackup(terminal, first(self), self.opts()),
  )
    .option('--id <id>', "the new service's id; without it the source's with -copy")
    .option('--tables <patterns...>', 'only these: shop.orders, or "shop.*" for all of a schema')
    .option('--at <time>', 'as it was then: "2026-01-31 18:00:00" (UTC)')
    .option('--before-gtid <gtid>', 'or: as it was before this transaction')
    .option('--nightly', 'with a nightly full backup');
  command(
    restores,
    'bring <object>',
    'restore a backup that others made, straight from its bucket (s3://bucket/path/backup.tar.gz): into a new service',
    async (terminal, self) => (await import('./restores/bring.ts')).bringBackup(terminal, first(self), self.opts()),
  )
    .requiredOption('--method <method>', 'mariabackup (a tar or an mbstream) or mysqldump (SQL)')
    .option('--credentials-file <path>', "of the bucket: an INI file (S3) or a service account's key (GCS)")
    .option('--encryption-key-file <path>', "the passphrase of openssl or age, or age's identity file")
    .option('--id <id>', "the new service's id")
    .option('--tables <patterns...>', 'only these: shop.orders, or "shop.*" for all of a schema')
    .option('--nightly', 'with a nightly full backup')
    .option('--onto <service>', 'replace all data of this service instead, once its id is typed')
    .option('--confirm <id>', "with --onto: the service's id, typed by a person who has no terminal");

  const backups = group('backups', 'backups in the repository of the daemon');
  command(backups, 'delete <id>', 'delete a backup that nothing needs, for good', async (terminal, self) =>
    (await import('./backups/delete.ts')).deleteBackup(terminal, first(self)),
  );
  command(
    backups,
    'show <id>',
    'what it holds: schemas and tables, with sizes and rows when it was taken',
    async (terminal, self) => (await import('./backups/show.ts')).showBackup(terminal, first(self), self.opts()),
  )
    .option('--schema <name>', 'only the tables of this schema')
    .option('--table <name>', 'only tables of this name')
    .option('--page <number>', 'a hundred tables each');
  command(backups, 'verify <id>', 'prove that a backup can be restored, and measure it', async (terminal, self) =>
    (await import('./backups/verify.ts')).verifyBackup(terminal, first(self), self.opts()),
  )
    .option('--quick', 'only read the stored bytes against their hashes; no server is started')
    .option('--check-table', 'also CHECK TABLE of every table')
    .option('--row-counts', 'also count the rows of every table')
    .option('--newest', 'roll it forward through the archived binary logs first, to their end');
  command(backups, 'drill <service>', 'prove its newest backup again and again, by cron', async (terminal, self) =>
    (await import('./backups/drill.ts')).scheduleDrill(terminal, first(self), self.opts()),
  )
    .requiredOption('--cron <fields>', 'when: minute hour day month weekday, UTC')
    .option('--quick', 'only read the stored bytes against their hashes; no server is started')
    .option('--check-table', 'also CHECK TABLE of every table')
    .option('--row-counts', 'also count the rows of every table')
    .option('--newest', 'roll it forward through the archived binary logs first, to their end')
    .option('--queries-file <path>', 'also your own queries: JSON [{"sql": "SELECT …", "expect": "…"}]');
  command(program, 'retention <service>', 'show or set how long its backups are kept', async (terminal, self) =>
    (await import('./retention.ts')).retention(terminal, first(self), self.opts()),
  )
    .option('--keep-last <count>', 'the newest so many; what is given is the whole new rule')
    .option('--daily <count>', 'the newest of each of so many days (UTC)')
    .option('--weekly <count>', 'of each of so many weeks')
    .option('--monthly <count>', 'of each of so many months')
    .option('--yearly <count>', 'of each of so many years')
    .option('--max-age <time>', 'nothing older: 36h, 7d, 2w, 1y')
    .option('--max-size <size>', 'together no larger: 500MB, 50GB')
    .option('--recovery-window <time>', 'how far back binary logs reach without a gap (default: the age)')
    .option('--keep-everything', 'no rule: nothing expires')
    .option('--dry-run', 'only tell what the next pass would delete, and why');

  storageCommands(group('storages', 'places for backups: the repository of the daemon, buckets, folders'), command);
  encryptionCommands(group('encryption', 'backups that only the holders of an identity of age can read'), command);

  command(program, 'audit', 'who changed what at the daemon, or was refused it', async (terminal, self) =>
    (await import('./audit.ts')).showAudit(terminal, self.opts()),
  ).option('--since <time>', 'a moment, or how long ago: 36h, 7d (1d)');

  const keys = group('keys', "the daemon's API keys");
  command(keys, 'create', 'make a key and print it, this once', async (terminal, self) =>
    (await import('./keys/create.ts')).createKey(terminal, self.opts()),
  )
    .requiredOption('--role <role>', 'administrator, requester, operator or viewer')
    .option('--name <name>', 'what it is for');
  command(keys, 'list', 'all keys, without their values', async (terminal) =>
    (await import('./keys/list.ts')).listKeys(terminal),
  );
  command(keys, 'revoke <id>', 'make a key worthless', async (terminal, self) =>
    (await import('./keys/revoke.ts')).revokeKey(terminal, first(self)),
  );

  const plans = group('plans', 'what waits for a yes');
  command(plans, 'list', 'plans that wait for a person, and the latest others', async (terminal) =>
    (await import('./plans-list.ts')).listPlans(terminal),
  );
  command(program, 'approve <code>', 'show a plan, and approve it by typing its target', async (terminal, self) =>
    (await import('./approve.ts')).approve(terminal, first(self), self.opts()),
  )
    .option('--confirm <id>', "the target's id, typed by a person who has no terminal")
    .option('--key-file <path>', "a file with the approver's own key: what SKYBACKUP_CONFIRM=strict wants")
    .option('--decline', 'void the plan instead');
  command(
    program,
    'call <tool> [json]',
    'call one of the MCP tools; "-" reads the arguments from stdin',
    async (terminal, self) => (await import('./call.ts')).callTool(terminal, first(self), self.args[1]),
  );
  command(program, 'doctor', 'check tools, home, daemon, services and storages, each with its mend', async (terminal) =>
    (await import('./doctor/doctor.ts')).doctor(terminal),
  );
  command(
    program,
    'health [service]',
    'how well services are covered by their backups; exit code 1 when one is critical',
    async (terminal, self) => (await import('./health.ts')).health(terminal, self.args[0]),
  );
  command(program, 'demo', 'a story in a sandbox: damage, and a restore to just before it', async (terminal, self) =>
    (await import('./demo-command.ts')).demo(terminal, self.opts()),
  )
    .option('--keep', 'leave the sandbox running')
    .option('--s3 <path>', 'back up to a bucket: s3://bucket/prefix')
    .option('--s3-credentials-file <path>', 'its credentials: an INI text as of ~/.aws/credentials');

  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
}

/** What goes to another program: the `--` that began it is ours. */
function afterDashes(args: string[]): string[] {
  return args[0] === '--' ? args.slice(1) : args;
}

function first(command: Command): string {
  return command.args[0] ?? '';
}
