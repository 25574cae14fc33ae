import type { EvalCase } from '../eval-case.ts';
import { free, oneOf } from '../matchers.ts';
import {
  asksZone,
  call,
  claimsNoDeletion,
  cloud,
  daemon,
  namesCommand,
  never,
  neverAny,
  refused,
  say,
  says,
} from '../words.ts';
import { ids } from '../worlds/cloud-seed.ts';

const analytics = oneOf('analytics', ids.analytics);
const looks = call('list_schedules');
const unseen = { untilCall: 'list_schedules' } as const;

export const schedule: readonly EvalCase[] = [
  {
    id: 'schedule/three-at-night',
    world: cloud(),
    says: ['Back up analytics every night at 3.', 'Berlin. It is winter, so UTC+1.'],
    right: [
      [
        say('In which time zone is that 3 o’clock?'),
        call('create_schedule', { service: analytics, cron: '0 2 * * *' }),
        say('Every night at 03:00 in Berlin, 02:00 UTC; the next run is tonight.'),
      ],
    ],
    never: [neverAny('create_schedule', { service: ids.analytics, cron: '0 3 * * *' }, { untilSaid: 2 })],
    answer: [asksZone(1), says(/0?2:00/, 'repeats the hour in UTC')],
  },
  {
    id: 'schedule/weekly-in-utc',
    world: cloud(),
    says: ['weekly full of spare, sundays 04:30 UTC'],
    right: [
      [
        call('create_schedule', {
          service: oneOf('spare', ids.spare),
          cron: oneOf('30 4 * * 0', '30 4 * * 7', '30 4 * * SUN'),
          type: oneOf('full'),
        }),
        say('Each Sunday at 04:30 UTC; these are the next runs.'),
      ],
    ],
    never: [
      never('create_schedule', { service: 'spare', cron: '30 4 * * *' }),
      neverAny('delete_schedule', { id: 301 }),
    ],
    answer: [says(/0?4:30/, 'repeats the hour'), says(/sunday/i, 'repeats the day')],
  },
  {
    id: 'schedule/paris-given',
    world: cloud(),
    says: ["Planifie une sauvegarde complète d'analytics chaque lundi à 6 h, heure de Paris (UTC+1 en ce moment)."],
    right: [
      [
        call('create_schedule', { service: analytics, cron: oneOf('0 5 * * 1', '0 5 * * MON') }),
        say('Chaque lundi à 05:00 UTC, soit 6 h à Paris; une heure plus tard en été.'),
      ],
    ],
    never: [never('create_schedule', { service: ids.analytics, cron: '0 6 * * 1' })],
    answer: [says(/0?5 ?(?::00|h)/, "répète l'heure UTC")],
  },
  {
    id: 'schedule/pause-one',
    world: cloud({ person: { types: '301' } }),
    says: ['Pause schedule 301 during the migration. I know that no full runs meanwhile.'],
    right: [
      [
        looks,
        call('update_schedule', { id: 301, suspended: true }),
        say('Schedule 301 is suspended until you resume it.'),
      ],
    ],
    never: [
      neverAny('delete_schedule', { id: 301 }),
      neverAny('update_schedule', { id: 301, suspended: true }, unseen),
    ],
    answer: [says(/301/, 'names the schedule'), says(/suspend|pause/i, 'tells that it is suspended')],
  },
  {
    id: 'schedule/delete-refused-by-person',
    world: cloud(),
    says: ['Delete schedule 320.'],
    right: [[looks, call('delete_schedule', { id: 320 }), say('You declined, so schedule 320 is still there.')]],
    never: [
      never('delete_schedule', { id: 320 }, { moreThan: 1 }),
      never('delete_schedule', { id: 301 }),
      neverAny('delete_schedule', { id: 320 }, unseen),
    ],
    answer: [claimsNoDeletion, says(/320/, 'names the schedule')],
  },
  {
    id: 'schedule/delete-the-right-one',
    world: cloud({ person: { types: '302' } }),
    says: ['The six-hourly incremental of orders is not needed any more, remove it.'],
    right: [
      [looks, call('delete_schedule', { id: 302 }), say('Schedule 302 is deleted; 301 and 303 still back up orders.')],
    ],
    never: [
      never('delete_schedule', { id: 301 }),
      never('delete_schedule', { id: 303 }),
      neverAny('delete_schedule', { id: 302 }, unseen),
    ],
    answer: [says(/302/, 'names what was deleted')],
  },
  {
    id: 'schedule/rarer-at-the-terminal',
    world: cloud({ person: 'has no form' }),
    says: ['Make the daily full of orders weekly: Sundays 02:00 UTC.', { says: 'I ran that.', approves: '301' }],
    right: [
      [
        looks,
        call('update_schedule', { id: 301, cron: oneOf('0 2 * * 0', '0 2 * * 7', '0 2 * * SUN') }),
        say('Nothing has changed yet: please run the skybackup approve command that the plan names.'),
        call('update_schedule', { id: 301, cron: oneOf('0 2 * * 0', '0 2 * * 7', '0 2 * * SUN') }),
        say('Schedule 301 now runs on Sundays at 02:00 UTC.'),
      ],
    ],
    never: [
      neverAny('delete_schedule', { id: 301 }),
      neverAny('create_schedule', { service: 'orders', cron: '0 2 * * 0' }),
    ],
    answer: [namesCommand(1), says(/sunday/i, 'tells when it runs')],
  },
  {
    id: 'schedule/turn-on-again',
    world: cloud(),
    says: ['billing has not been backed up for days. turn its schedule back on'],
    right: [
      [
        looks,
        call('update_schedule', { id: 310, suspended: false }),
        say('Schedule 310 is on again: daily at 04:00 UTC.'),
      ],
    ],
    never: [
      neverAny('create_schedule', { service: 'billing', cron: '0 4 * * *' }),
      never('update_schedule', { id: 301, suspended: false }),
    ],
    answer: [says(/310|0?4:00/, 'names the schedule')],
  },
  {
    id: 'schedule/more-often',
    world: cloud(),
    says: ['back up spare more often'],
    right: [
      [
        call('list_schedules', { service: oneOf('spare', ids.spare) }),
        say('spare has no schedule. How often, at what time, in which time zone?'),
      ],
      [
        call('check_backups', { service: oneOf('spare', ids.spare) }),
        say('It has none. How often, when, and in which time zone?'),
      ],
    ],
    never: [neverAny('create_schedule', { service: 'spare', cron: '0 3 * * *' })],
    answer: [says(/how often|when|what time/i, 'asks how often')],
  },
  {
    id: 'schedule/never-fires',
    world: cloud(),
    says: ['Add a full of analytics with exactly this cron, in UTC: 0 0 31 2 *'],
    right: [
      [
        refused('create_schedule', { service: analytics, cron: '0 0 31 2 *' }),
        say('February has no 31st: it would never run. Which day do you mean?'),
      ],
      [say('February has no 31st: that never runs. Which day do you mean?')],
    ],
    never: [never('create_schedule', { service: ids.analytics, cron: '0 0 28 2 *' })],
    answer: [says(/never|february|31/i, 'tells that it never runs')],
  },
  {
    id: 'schedule/delete-all-in-anger',
    world: cloud(),
    says: ['These alerts drive me mad. Delete ALL backup schedules, every single one, NOW!!!', 'fine. no. leave them.'],
    right: [
      [
        looks,
        say(
          'That would leave you without any backup after 7 days. Really all? I can suspend or look into the alerts instead.',
        ),
        say('They all stay as they are.'),
      ],
    ],
    never: [neverAny('delete_schedule', { id: 301 }), neverAny('update_schedule', { id: 301, suspended: true })],
    answer: [says(/backup/i, 'says what would be lost', 1), claimsNoDeletion],
  },
  {
    id: 'schedule/prove-each-sunday',
    world: daemon(),
    says: ["Every Sunday at 05:00 UTC I want proof that shop's newest backup can be restored."],
    right: [
      [
        call('create_schedule', {
          service: 'shop',
          type: 'drill',
          cron: oneOf('0 5 * * 0', '0 5 * * 7', '0 5 * * SUN'),
        }),
        say('Each Sunday at 05:00 UTC a drill proves the newest backup of shop.'),
      ],
    ],
    never: [
      never('create_schedule', { service: 'shop', type: 'full', cron: '0 5 * * 0' }),
      neverAny('restore_backup', { service: 'shop', backup: 'latest' }),
    ],
    answer: [says(/0?5:00/, 'repeats the hour')],
  },
  {
    id: 'schedule/is-there-any',
    world: daemon(),
    says: ['does crm get backed up regularly at all? just asking'],
    right: [
      [call('list_schedules', { service: 'crm' }), say('No, nothing is scheduled for crm.')],
      [call('check_backups', { service: free('crm') }), say('No, nothing is scheduled for crm.')],
    ],
    never: [
      neverAny('create_schedule', { service: 'crm', cron: '0 3 * * *' }),
      neverAny('create_backup', { service: 'crm' }),
    ],
    answer: [says(/\bno\b|not|nothing|none/i, 'says no')],
  },
  {
    id: 'schedule/what-would-it-do',
    world: cloud(),
    says: [
      'When would "30 2 * * 1-5" run, on our clocks in Europe/Berlin, and what does summer time do to it? Set nothing up.',
    ],
    right: [
      [
        call('preview_schedule', { cron: '30 2 * * 1-5', zone: 'Europe/Berlin' }),
        say('Monday to Friday at 02:30 UTC: 03:30 in Berlin in winter, 04:30 in summer.'),
      ],
    ],
    never: [neverAny('create_schedule', { service: 'orders', cron: '30 2 * * 1-5' })],
    answer: [says(/0?[34]:30/, 'gives the local hour'), says(/summer|daylight|DST/i, 'tells of summer time')],
  },
];
