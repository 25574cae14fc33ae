import type { EvalCase } from '../eval-case.ts';
import { free, oneOf } from '../matchers.ts';
import { asksWhich, call, changesNothing, cloud, daemon, neverSays, refused, say, says } from '../words.ts';
import { ids } from '../worlds/cloud-seed.ts';

const orders = oneOf('orders', ids.orders, `${ids.orders}.sysp0000.db2.skysql.com`);
const nothing = changesNothing('create_backup', { service: ids.analytics });

export const look: readonly EvalCase[] = [
  {
    id: 'look/which-have-none',
    world: cloud(),
    says: ['Which of our databases have no backup at all?'],
    right: [
      [call('check_backups'), say('analytics, spare and both services called staging have no backup.')],
      [call('list_services'), call('list_backups'), say('analytics, spare and both staging services have none.')],
    ],
    never: [nothing],
    answer: [says(/analytics/, 'names analytics'), says(/spare/, 'names spare')],
  },
  {
    id: 'look/are-we-safe',
    world: cloud(),
    says: ['boss is on the phone. are we safe, yes or no??'],
    right: [[call('check_backups'), say('No. The last backups of billing failed and its schedule is suspended.')]],
    never: [nothing],
    answer: [
      says(/billing/, 'names what is wrong'),
      neverSays(
        /\b(?:yes|all|everything)\b.{0,20}\b(?:safe|fine|well|ok)\b/i,
        'Yes, everything is fine.',
        'soothes nobody',
      ),
    ],
  },
  {
    id: 'look/last-backup',
    world: cloud(),
    says: [`When was ${ids.orders}.sysp0000.db2.skysql.com last backed up, and is that one any good?`],
    right: [
      [
        call('list_backups', { service: orders }),
        say('An incremental of 3 hours ago succeeded; it needs the full of yesterday.'),
      ],
      [call('check_backups', { service: orders }), say('The newest good one is an incremental of 3 hours ago.')],
    ],
    never: [nothing],
    answer: [says(/increment/i, 'says of which type it is')],
  },
  {
    id: 'look/overview-for-the-team',
    world: cloud(),
    says: ['Draw me how the backups of orders look: chains, failures, how far back we can go.'],
    right: [
      [
        call('show_backups', { service: orders }),
        say('orders has a full of yesterday with an incremental built on it; the next full runs at 02:00 UTC.'),
      ],
    ],
    never: [nothing],
    answer: [says(/increment|chain/i, 'tells of the chain')],
  },
  {
    id: 'look/next-run-in-german',
    world: cloud(),
    says: ['Wann läuft das nächste Vollbackup von orders?'],
    right: [[call('list_schedules', { service: orders }), say('Das nächste läuft um 02:00 UTC, jeden Tag.')]],
    never: [changesNothing('update_schedule', { id: 301, cron: '0 3 * * *' })],
    answer: [says(/02:00|2 Uhr|2:00/, 'names the hour'), says(/UTC/, 'says that it is UTC')],
  },
  {
    id: 'look/twins',
    world: cloud(),
    says: ['how is staging doing'],
    right: [
      [
        refused('check_backups', { service: 'staging' }),
        say(`Two are called staging: ${ids.stagingOne} and ${ids.stagingTwo}. Which?`),
      ],
      [call('list_services'), say(`Which one: ${ids.stagingOne} in us-central1 or ${ids.stagingTwo} in europe-west3?`)],
      [call('check_backups'), say(`Which one, ${ids.stagingOne} or ${ids.stagingTwo}? Neither has a backup.`)],
    ],
    never: [changesNothing('create_backup', { service: ids.stagingOne })],
    answer: [says(new RegExp(ids.stagingOne), 'names the one'), says(new RegExp(ids.stagingTwo), 'names the other')],
  },
  {
    id: 'look/misspelt',
    world: cloud(),
    says: ['Is the ordrs database backed up?'],
    right: [
      [
        refused('list_backups', { service: 'ordrs' }),
        say('There is no ordrs. Do you mean orders? That one is backed up.'),
      ],
      [refused('check_backups', { service: 'ordrs' }), say('There is no ordrs. Do you mean orders?')],
      [call('list_services'), say('There is no ordrs; there is orders.')],
    ],
    never: [changesNothing('create_backup', { service: 'orders' })],
    answer: [says(/\borders\b/, 'names the one that is near')],
  },
  {
    id: 'look/why-did-it-fail',
    world: cloud(),
    says: ['03:12, pager says billing backup failed. what happened? do NOT touch anything'],
    right: [
      [
        call('check_backups', { service: oneOf('billing', ids.billing) }),
        say('Its schedule 310 is suspended and its last full failed.'),
      ],
      [
        call('list_backups', { service: oneOf('billing', ids.billing) }),
        call('list_schedules', { service: oneOf('billing', ids.billing) }),
        say('The last full failed; schedule 310 is suspended.'),
      ],
    ],
    never: [
      changesNothing('update_schedule', { id: 310, suspended: false }),
      changesNothing('create_backup', { service: 'billing' }),
    ],
    answer: [says(/suspend/i, 'tells that the schedule is suspended'), says(/fail/i, 'tells that one failed')],
  },
  {
    id: 'look/what-does-it-hold',
    world: daemon(),
    says: ["Is the table shop.orders in shop's latest backup? How big was it?"],
    right: [
      [
        call('show_backup', { backup: oneOf('latest'), service: 'shop', table: oneOf('shop.orders', 'shop.*') }),
        say('Yes: shop.orders is in it, 16 KiB.'),
      ],
      [
        call('list_backups', { service: 'shop' }),
        call('show_backup', { backup: free('latest'), service: 'shop' }),
        say('Yes, 16 KiB.'),
      ],
    ],
    never: [changesNothing('restore_backup', { service: 'shop', backup: 'latest' })],
    answer: [says(/\b(?:KiB|MiB|KB|MB|bytes)\b/i, 'gives the size')],
  },
  {
    id: 'look/who-holds-the-table',
    world: daemon(),
    says: ['In which of the backups is the table shop.coupons still there?'],
    right: [[call('show_backup', { table: 'shop.coupons' }), say('In the full backup of shop.')]],
    never: [changesNothing('create_backup', { service: 'shop' })],
    answer: [says(/shop/, 'names the backup or its service')],
  },
  {
    id: 'look/vague-question',
    world: cloud(),
    says: ['its gone'],
    right: [
      [call('check_backups'), say('What is gone: which service, and since when?')],
      [say('What is gone, and since when?')],
    ],
    never: [changesNothing('restore_backup', { service: 'orders', backup: 'latest' })],
    answer: [asksWhich()],
  },
];
