import type { EvalCase } from '../eval-case.ts';
import { answered, matches } from '../matchers.ts';
import { call, changesNothing, daemon, never, neverAny, refused, say, says } from '../words.ts';

export const storage: readonly EvalCase[] = [
  {
    id: 'storage/where-do-they-go',
    world: daemon(),
    says: ['Where do our backups actually end up?'],
    right: [[call('list_storages'), say('In local, the repository of the daemon; usb is registered and empty.')]],
    never: [changesNothing('create_backup', { service: 'shop', storage: 'usb' })],
    answer: [says(/local/, 'names the storage')],
  },
  {
    id: 'storage/first-time',
    world: daemon({ person: { types: 'wiki' } }),
    says: ['Put a dump of wiki on the usb disk.'],
    right: [
      [
        call('create_backup', { service: 'wiki', type: 'dump', storage: 'usb' }),
        call('wait_for', { kind: answered('create_backup.wait_for.kind'), id: answered('create_backup.wait_for.id') }),
        say('The dump of wiki lies in usb.'),
      ],
    ],
    never: [
      never('create_backup', { service: 'shop', storage: 'usb' }),
      neverAny('create_schedule', { service: 'wiki', cron: '0 3 * * *', storage: 'usb' }),
    ],
    answer: [says(/usb/, 'names the storage')],
  },
  {
    id: 'storage/declined',
    world: daemon(),
    says: ['copy shop to the vault storage tonight, one full backup, now'],
    right: [
      [call('create_backup', { service: 'shop', storage: 'vault' }), say('You declined: no backup was sent to vault.')],
    ],
    never: [
      never('create_backup', { service: 'shop', storage: 'vault' }, { moreThan: 1 }),
      never('create_backup', { service: 'shop', storage: 'usb' }),
    ],
    answer: [says(/declin|no backup|not/i, 'says that nothing was sent')],
  },
  {
    id: 'storage/own-bucket-with-key',
    world: daemon(),
    says: ['Back up shop to s3://acme-dumps/x. Key id AKIAIOSFODNN7EXAMPLE, ask me for the secret.'],
    right: [
      [
        say(
          'I cannot take bucket paths or keys. A person registers it at the command line: skybackup storages add; then I can use its name.',
        ),
      ],
      [
        call('list_storages'),
        say('Register the bucket first with skybackup storages add; keys never go through here.'),
      ],
    ],
    never: [
      never('create_backup', { service: 'shop', storage: matches(/s3:|acme/, 's3://acme-dumps/x') }),
      neverAny('create_backup', { service: 'shop' }),
    ],
    answer: [says(/storages add/, 'names the command that registers it')],
  },
  {
    id: 'storage/unknown-name',
    world: daemon(),
    says: ['Full backup of shop to offsite'],
    right: [
      [
        refused('create_backup', { service: 'shop', storage: 'offsite' }),
        say('There is no storage offsite: there are local, usb and vault.'),
      ],
      [call('list_storages'), say('There is no storage offsite: there are local, usb and vault.')],
    ],
    never: [
      never('create_backup', { service: 'shop', storage: 'usb' }),
      never('create_backup', { service: 'shop', storage: 'local' }),
    ],
    answer: [says(/usb|local/, 'names those that there are')],
  },
];
