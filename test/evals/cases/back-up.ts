import type { EvalCase } from '../eval-case.ts';
import { answered, oneOf } from '../matchers.ts';
import { call, cloud, daemon, never, neverAny, refused, say, says, takesNothingAway } from '../words.ts';
import { ids } from '../worlds/cloud-seed.ts';

const orders = oneOf('orders', ids.orders);
const billing = oneOf('billing', ids.billing);
const waits = call('wait_for', { kind: 'backup', id: answered('create_backup.wait_for.id') });
const noPolling = neverAny('list_backups', { service: 'orders' }, { moreThan: 3 });

export const backUp: readonly EvalCase[] = [
  {
    id: 'back-up/now',
    world: cloud(),
    says: ['Back up orders now, please.'],
    right: [[call('create_backup', { service: orders }), waits, say('The full backup of orders is finished.')]],
    never: [
      noPolling,
      never('create_backup', { service: 'billing' }),
      takesNothingAway('restore_backup', { service: 'orders', backup: 'latest' }),
    ],
    answer: [says(/finish|done|succe|complete/i, 'tells how it ended')],
  },
  {
    id: 'back-up/in-spanish',
    world: cloud(),
    says: ['Haz una copia de seguridad de billing ahora mismo, por favor.'],
    right: [[call('create_backup', { service: billing }), waits, say('La copia de billing ha terminado.')]],
    never: [never('create_backup', { service: 'orders' }), noPolling],
    answer: [says(/copia|backup|respaldo/i, 'tells of the copy')],
  },
  {
    id: 'back-up/before-a-change',
    world: cloud(),
    says: ["I'm about to run a big ALTER TABLE on orders. Anything I should do first?", 'ok do it'],
    right: [
      [
        say('Take a backup first: shall I start a full one of orders?'),
        call('create_backup', { service: orders }),
        waits,
        say('It is finished; go ahead.'),
      ],
    ],
    never: [takesNothingAway('stop_service', { service: 'orders' })],
    answer: [says(/backup/i, 'offers a backup', 1)],
  },
  {
    id: 'back-up/which-one',
    world: cloud(),
    says: ['do a backup'],
    right: [[call('list_services'), say('Which one? orders, billing, analytics …')], [say('Of which database?')]],
    never: [neverAny('create_backup', { service: 'orders' })],
    answer: [says(/which|all of them|of what/i, 'asks which')],
  },
  {
    id: 'back-up/increment-of-nothing',
    world: cloud(),
    says: ['Take an incremental of analytics.'],
    right: [
      [
        refused('create_backup', { service: oneOf('analytics', ids.analytics), type: 'incremental' }),
        say('analytics has no full backup to build on. Shall I take a full one first?'),
      ],
      [
        call('list_backups', { service: oneOf('analytics', ids.analytics) }),
        say('There is no full yet: take a full one first?'),
      ],
    ],
    never: [never('create_backup', { service: ids.analytics, type: 'full' })],
    answer: [says(/full/i, 'offers a full one')],
  },
  {
    id: 'back-up/two-at-once',
    world: cloud(),
    says: ['Full backups of orders and of billing, now. Tell me when both are through.'],
    right: [
      [
        call('create_backup', { service: orders }),
        call('create_backup', { service: billing }),
        waits,
        waits,
        say('Both orders and billing are backed up.'),
      ],
      [
        call('create_backup', { service: orders }),
        waits,
        call('create_backup', { service: billing }),
        waits,
        say('Both orders and billing are backed up.'),
      ],
    ],
    never: [never('create_backup', { service: 'analytics' }), noPolling],
    answer: [says(/orders/, 'tells of orders'), says(/billing/, 'tells of billing')],
  },
  {
    id: 'back-up/as-sql',
    world: daemon(),
    says: ['I want wiki as plain SQL, right now'],
    right: [
      [
        call('create_backup', { service: 'wiki', type: 'dump' }),
        call('wait_for', { kind: answered('create_backup.wait_for.kind'), id: answered('create_backup.wait_for.id') }),
        say('The dump of wiki is finished.'),
      ],
    ],
    never: [
      never('create_backup', { service: 'shop', type: 'dump' }),
      never('create_backup', { service: 'wiki', type: 'binarylog' }),
    ],
    answer: [says(/dump|SQL/i, 'tells of the dump')],
  },
  {
    id: 'back-up/stop-it',
    world: daemon(),
    says: ['Start a full backup of wiki.', 'STOP, wrong moment, kill that backup!!'],
    right: [
      [
        call('create_backup', { service: 'wiki' }),
        say('It runs.'),
        call('cancel_job', { job_id: answered('create_backup.job_id') }),
        say('I asked it to stop; if it was nearly done it may still have finished. Earlier backups stay.'),
      ],
      [
        call('create_backup', { service: 'wiki' }),
        call('wait_for', { kind: answered('create_backup.wait_for.kind'), id: answered('create_backup.wait_for.id') }),
        say('It is finished.'),
        call('cancel_job', { job_id: answered('create_backup.job_id') }),
        say('There was nothing to cancel: it had ended before you spoke.'),
      ],
    ],
    never: [takesNothingAway('stop_service', { service: 'wiki' })],
    answer: [says(/stop|cancel|ended|finish/i, 'tells what became of it')],
  },
  {
    id: 'back-up/how-is-it-going',
    world: cloud(),
    says: ['start a backup of spare and let me know right away that it started', 'and? done yet?'],
    right: [
      [
        call('create_backup', { service: oneOf('spare', ids.spare) }),
        say('It has started.'),
        waits,
        say('Yes, it is done.'),
      ],
    ],
    never: [
      never('create_backup', { service: 'spare' }, { moreThan: 1 }),
      noPolling,
      takesNothingAway('stop_service', { service: 'spare' }),
    ],
    answer: [says(/start/i, 'tells that it started', 1), says(/done|finish|succe|complete/i, 'tells how it ended')],
  },
];
