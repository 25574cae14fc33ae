import type { Command } from 'commander';
import type { AddCommand } from '../add-command.ts';

/** The subcommands of `skybackup storages`. */
export function storageCommands(storages: Command, command: AddCommand): void {
  command(storages, 'list', 'all storages, and what lies in them', async (terminal) =>
    (await import('./list.ts')).listStorages(terminal),
  );
  command(storages, 'add <name>', 'register a bucket or a folder, once it was tried out', async (terminal, self) =>
    (await import('./add.ts')).addStorage(terminal, self.args[0] ?? '', self.opts()),
  )
    .requiredOption('--path <path>', 's3://bucket/prefix, gs://bucket/prefix or a folder')
    .option('--credentials-file <path>', 'for S3 an INI text as of ~/.aws/credentials, for GCS a service-account key')
    .option('--profile <name>', 'which profile of that file, where it is not [default] or the only one')
    .option('--object-lock <mode>', 'governance or compliance: what is written there cannot be deleted for a while')
    .option('--lock-days <days>', 'for how long')
    .option('--recipient <recipients...>', 'encrypt the backups that go there to these recipients of age')
    .option('--limit <rate>', 'what moves to and from it at most, of all together: 50MB/s')
    .option('--default', 'the backups of all services go there from now on')
    .option('--default-for <services...>', 'or: those of these services');
  command(storages, 'check <name>', 'write to it, read back, and remove that again', async (terminal, self) =>
    (await import('./change.ts')).checkStorage(terminal, self.args[0] ?? ''),
  );
  command(
    storages,
    'default <name> [services...]',
    'whose backups go there where nothing else is said',
    async (terminal, self) =>
      (await import('./change.ts')).setDefault(terminal, self.args[0] ?? '', self.args.slice(1), self.opts()),
  )
    .option('--all', 'those of all services')
    .option('--none', 'of no service');
  command(storages, 'limit <name> [rate]', 'what moves to and from it at most: 50MB/s', async (terminal, self) =>
    (await import('./change.ts')).setLimit(terminal, self.args[0] ?? '', self.args[1], self.opts()),
  ).option('--none', 'as much as the line takes');
  command(storages, 'remove <name>', 'take it off the list; what lies in it stays', async (terminal, self) =>
    (await import('./change.ts')).removeStorage(terminal, self.args[0] ?? ''),
  );
}
