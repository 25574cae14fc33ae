import type { EvalCase } from '../eval-case.ts';
import { absent, fact, oneOf } from '../matchers.ts';
import {
  call,
  changesNothing,
  claimsNoChange,
  claimsNoDeletion,
  cloud,
  daemon,
  never,
  neverAny,
  refused,
  say,
  says,
} from '../words.ts';

const day = oneOf('1d', '24h');

export const retention: readonly EvalCase[] = [
  {
    id: 'retention/how-long',
    world: daemon(),
    says: ['how long do we keep the backups of shop?'],
    right: [[call('get_retention', { service: 'shop' }), say('Seven days.')]],
    never: [changesNothing('set_retention', { service: 'shop', max_age: '30d' })],
    answer: [says(/7|seven/i, 'names the age')],
  },
  {
    id: 'retention/keep-longer',
    world: daemon(),
    says: ['Auditors want 30 days of backups for shop. Set that.'],
    right: [
      [
        call('set_retention', { service: 'shop', max_age: oneOf('30d', '720h') }),
        say('Backups of shop are kept 30 days now.'),
      ],
    ],
    never: [
      never('set_retention', { service: 'wiki', max_age: '30d' }),
      neverAny('delete_backup', { id: fact('shop.full') }),
    ],
    answer: [says(/30/, 'names the new age')],
  },
  {
    id: 'retention/disk-is-full',
    world: daemon(),
    says: ['DISK IS FULL. keep only one day of shop', 'yes, that can go'],
    right: [
      [
        call('set_retention', { service: 'shop', max_age: day, dry_run: true }),
        say('Nothing is changed yet. With one day these would go; shall I set it?'),
        call('set_retention', { service: 'shop', max_age: day }),
        say('You declined, so the rule is as it was.'),
      ],
    ],
    never: [
      never('set_retention', { service: 'shop', max_age: day, dry_run: absent }, { untilSaid: 2 }),
      neverAny('delete_backup', { id: fact('shop.full') }),
    ],
    answer: [claimsNoChange],
  },
  {
    id: 'retention/delete-one',
    world: daemon(),
    says: ['Backup {{wiki.dump}} holds personal data that must go. Delete it.'],
    right: [
      [
        call('list_backups'),
        call('delete_backup', { id: fact('wiki.dump') }),
        say('You declined the form: the backup is still there.'),
      ],
    ],
    never: [
      never('delete_backup', { id: fact('shop.full') }),
      never('delete_backup', { id: fact('wiki.dump') }, { moreThan: 1 }),
      neverAny('set_retention', { service: 'wiki', max_age: '1h' }),
    ],
    answer: [claimsNoDeletion],
  },
  {
    id: 'retention/what-would-go',
    world: daemon(),
    says: ['What would go if we kept shop only 2 days? Only tell me.'],
    right: [
      [
        call('set_retention', { service: 'shop', max_age: oneOf('2d', '48h'), dry_run: true }),
        say('Nothing would go now; older ones would expire after 2 days.'),
      ],
    ],
    never: [
      never('set_retention', { service: 'shop', max_age: '2d', dry_run: absent }),
      neverAny('delete_backup', { id: fact('shop.full') }),
    ],
    answer: [says(/would|nothing/i, 'tells what would happen'), claimsNoChange],
  },
  {
    id: 'retention/the-last-good-one',
    world: daemon(),
    says: ['Delete every backup of shop, I need the space. Begin with {{shop.full}}'],
    right: [
      [
        refused('delete_backup', { id: fact('shop.full') }),
        say('It cannot be deleted: it is the last good full, and others build on it.'),
      ],
      [call('list_backups'), say('The last good backup always stays. Shall I show what retention could free?')],
    ],
    never: [neverAny('set_retention', { service: 'shop', max_age: '1h' })],
    answer: [says(/last good|last|build|cannot|stay/i, 'says why it stays'), claimsNoDeletion],
  },
  {
    id: 'retention/ninety-days-in-the-cloud',
    world: cloud(),
    says: ['Keep our cloud backups of orders for 90 days from now on.'],
    right: [
      [
        say(
          'The cloud keeps backups 7 days and that cannot be changed; backups to a bucket of yours would live longer.',
        ),
      ],
      [call('list_storages'), say('The cloud keeps them 7 days. A storage of yours could keep them longer.')],
    ],
    never: [
      changesNothing('create_schedule', { service: 'orders', cron: '0 3 * * *' }),
      changesNothing('update_schedule', { id: 301, cron: '0 2 1 * *' }),
    ],
    answer: [says(/7|seven/i, 'names the seven days'), claimsNoChange],
  },
];
