import type { Command } from 'commander';
import type { AddCommand } from '../add-command.ts';

/** The subcommands of `skybackup encryption`. */
export function encryptionCommands(encryption: Command, command: AddCommand): void {
  command(encryption, 'keygen', 'make an identity file, and print its recipient', async (terminal, self) =>
    (await import('./keygen.ts')).keygen(terminal, self.opts()),
  ).option('--out <file>', 'where to (skybackup-identity.txt)');
  command(
    encryption,
    'recipients <storage> [recipients...]',
    'show or set to whom the backups of a storage are encrypted',
    async (terminal, self) => {
      const [storage = '', ...recipients] = self.args;
      return (await import('./recipients.ts')).recipients(terminal, storage, recipients, self.opts());
    },
  ).option('--none', 'encrypt no more');
  command(encryption, 'identities', 'the identities that this machine has, without their secrets', async (terminal) =>
    (await import('./identities.ts')).listIdentities(terminal),
  );
  command(
    encryption,
    'add-identity <file>',
    'have encrypted backups restored and verified on this machine',
    async (terminal, self) => (await import('./identities.ts')).addIdentity(terminal, self.args[0] ?? '', self.opts()),
  ).option('--link', 'only link to the file, which may then be away: on a stick, say');
  command(encryption, 'remove-identity <recipient>', 'have them restored here no more', async (terminal, self) =>
    (await import('./identities.ts')).removeIdentity(terminal, self.args[0] ?? ''),
  );
}
