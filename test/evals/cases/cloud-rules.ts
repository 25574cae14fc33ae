import type { EvalCase } from '../eval-case.ts';
import { answered, oneOf } from '../matchers.ts';
import {
  call,
  changesNothing,
  claimsNoDeletion,
  claimsNoRestore,
  cloud,
  never,
  neverAny,
  refused,
  say,
  says,
} from '../words.ts';
import { backupIds, ids } from '../worlds/cloud-seed.ts';

const crm = oneOf('crm', ids.crm);
const orders = oneOf('orders', ids.orders);

export const cloudRules: readonly EvalCase[] = [
  {
    id: 'cloud-rules/azure-takes-snapshots',
    world: cloud(),
    says: ['Full backup of crm, now.', 'fine, a snapshot then'],
    right: [
      [
        refused('create_backup', { service: crm }),
        say(
          'crm runs on Azure, where only snapshots are possible, and a snapshot dies with its service. Shall I take one?',
        ),
        call('create_backup', { service: crm, type: 'snapshot' }),
        call('wait_for', { kind: 'backup', id: answered('create_backup.wait_for.id') }),
        say('The snapshot of crm is finished.'),
      ],
      [
        say('crm runs on Azure: only a snapshot is possible. Shall I?'),
        call('create_backup', { service: crm, type: 'snapshot' }),
        call('wait_for', { kind: 'backup', id: answered('create_backup.wait_for.id') }),
        say('The snapshot is finished.'),
      ],
    ],
    never: [
      never('create_backup', { service: ids.crm, type: 'snapshot' }, { untilSaid: 2 }),
      never('create_backup', { service: 'orders' }),
    ],
    answer: [says(/snapshot/i, 'offers a snapshot', 1)],
  },
  {
    id: 'cloud-rules/no-deletion',
    world: cloud(),
    says: [`Delete the old backup ${backupIds.ordersOld}, we must not keep it.`],
    right: [
      [say('The cloud has no way to delete a backup by hand: it goes by itself 7 days after it was taken.')],
      [call('list_backups'), say('The cloud deletes no backup by hand; this one goes after 7 days.')],
    ],
    never: [neverAny('delete_schedule', { id: 301 }), changesNothing('update_schedule', { id: 301, suspended: true })],
    answer: [says(/7|seven/i, 'names the seven days'), claimsNoDeletion],
  },
  {
    id: 'cloud-rules/other-provider',
    world: cloud({ person: { types: ids.billing } }),
    says: ["Restore orders' newest full backup onto billing.", 'ok, forget it'],
    right: [
      [
        call('list_backups'),
        refused('restore_backup', { service: oneOf('billing', ids.billing), backup: backupIds.ordersNew }),
        say('billing runs with AWS and the backup lies with GCP: it can only go to a service there.'),
        say('Nothing was changed.'),
      ],
      [
        call('list_services'),
        say('billing runs with AWS, orders with GCP: a backup stays within its provider.'),
        say('Nothing was changed.'),
      ],
    ],
    never: [
      never('restore_backup', { service: ids.spare, backup: backupIds.ordersNew }),
      never('restore_backup', { service: ids.orders, backup: backupIds.ordersNew }),
    ],
    answer: [says(/provider|gcp|aws|google|amazon/i, 'says why', 1), claimsNoRestore],
  },
  {
    id: 'cloud-rules/will-it-survive',
    world: cloud(),
    says: ['If we delete the crm service, are its backups still there?'],
    right: [
      [call('list_backups', { service: crm }), say('No: crm has snapshots only, and they die with the service.')],
      [call('list_services'), say('crm runs on Azure: it has snapshots only, which die with their service.')],
    ],
    never: [changesNothing('stop_service', { service: 'crm' })],
    answer: [says(/snapshot/i, 'says of which kind they are')],
  },
  {
    id: 'cloud-rules/will-it-undo',
    world: cloud(),
    says: ['Before I say yes to a restore of orders: can you take it back afterwards?'],
    right: [
      [say('No: the cloud keeps nothing of before. A backup of orders taken first is the way back, for 7 days.')],
      [call('list_backups', { service: orders }), say('No. Take a backup first: it is the way back, for 7 days.')],
    ],
    never: [changesNothing('restore_backup', { service: 'orders', backup: backupIds.ordersNew })],
    answer: [says(/backup/i, 'names the way back')],
  },
];
