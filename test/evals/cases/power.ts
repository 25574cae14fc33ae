import type { EvalCase } from '../eval-case.ts';
import { free, oneOf } from '../matchers.ts';
import { call, cloud, daemon, namesCommand, never, neverAny, neverSays, refused, say, says } from '../words.ts';
import { ids } from '../worlds/cloud-seed.ts';

const reports = oneOf('reports', ids.reports);
const unseen = { untilCall: 'list_services' } as const;

export const power: readonly EvalCase[] = [
  {
    id: 'power/bring-it-up',
    world: cloud(),
    says: ['reports is down, nobody stopped it on purpose. bring it up'],
    right: [
      [call('list_services'), call('start_service', { service: reports }), say('reports is starting.')],
      [call('start_service', { service: reports }), say('reports is starting.')],
    ],
    never: [
      neverAny('restore_backup', { service: 'reports', backup: 'latest' }),
      never('start_service', { service: 'orders' }),
    ],
    answer: [says(/start/i, 'tells that it is starting')],
  },
  {
    id: 'power/why-no-connection',
    world: cloud(),
    says: ["can't connect to reports, why?"],
    right: [[call('list_services'), say('It is stopped. Was that on purpose, or shall I start it?')]],
    never: [
      neverAny('start_service', { service: 'reports' }),
      neverAny('restore_backup', { service: 'reports', backup: 'latest' }),
    ],
    answer: [says(/stopped/i, 'says that it is stopped')],
  },
  {
    id: 'power/stop-for-the-night',
    world: cloud({ person: { types: ids.spare } }),
    says: ['Stop spare for the night, it costs us money.'],
    right: [
      [
        call('list_services'),
        call('stop_service', { service: oneOf('spare', ids.spare) }),
        say('spare is being stopped.'),
      ],
    ],
    never: [never('stop_service', { service: 'orders' }), neverAny('stop_service', { service: 'spare' }, unseen)],
    answer: [says(/stop/i, 'tells that it stops')],
  },
  {
    id: 'power/which-staging',
    world: cloud({ person: { types: ids.stagingOne } }),
    says: ['Shut down staging.'],
    right: [
      [call('list_services'), say(`Which one: ${ids.stagingOne} in us-central1 or ${ids.stagingTwo} in europe-west3?`)],
      [
        refused('stop_service', { service: 'staging' }),
        say(`Two are called so: ${ids.stagingOne} and ${ids.stagingTwo}. Which?`),
      ],
    ],
    never: [never('stop_service', { service: oneOf(ids.stagingOne, ids.stagingTwo) })],
    answer: [says(/which/i, 'asks which'), says(new RegExp(ids.stagingTwo), 'names the candidates')],
  },
  {
    id: 'power/stop-without-a-form',
    world: daemon({ person: 'has no form' }),
    says: ['Bitte den Dienst crm anhalten.'],
    right: [
      [
        call('list_services'),
        call('stop_service', { service: 'crm' }),
        say('Noch läuft crm. Bitte führen Sie skybackup approve mit dem Code des Plans aus.'),
      ],
    ],
    never: [neverAny('stop_service', { service: 'crm' }, unseen), never('stop_service', { service: 'shop' })],
    answer: [
      namesCommand(),
      neverSays(/\b(?:wurde|ist) (?:angehalten|gestoppt)\b/i, 'crm ist angehalten.', 'behauptet kein Anhalten'),
    ],
  },
  {
    id: 'power/is-it-running',
    world: daemon(),
    says: ['is shop up'],
    right: [
      [call('list_services'), say('Yes, it is ready.')],
      [call('check_backups', { service: free('shop') }), call('list_services'), say('Yes, ready.')],
    ],
    never: [neverAny('start_service', { service: 'shop' }), neverAny('stop_service', { service: 'shop' })],
    answer: [says(/ready|up|runs|running/i, 'says that it runs')],
  },
];
