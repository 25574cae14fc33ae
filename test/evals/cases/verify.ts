import type { EvalCase } from '../eval-case.ts';
import { answered, fact } from '../matchers.ts';
import { call, cloud, daemon, never, neverAny, say, says, takesNothingAway } from '../words.ts';

const ended = call('wait_for', { kind: 'job', id: answered('verify_backup.wait_for.id') });

export const verify: readonly EvalCase[] = [
  {
    id: 'verify/would-it-restore',
    world: daemon(),
    says: ['Would {{shop.full}} really restore if it had to? I want proof, not hope.'],
    right: [
      [
        call('verify_backup', { backup: fact('shop.full') }),
        ended,
        say('It is proven: it restored in a sandbox in 4 s.'),
      ],
    ],
    never: [takesNothingAway('restore_backup', { service: 'shop', backup: fact('shop.full') })],
    answer: [says(/proven|proof|sound|restored|works/i, 'tells the result')],
  },
  {
    id: 'verify/only-the-bytes',
    world: daemon(),
    says: ['Check that the stored bytes of the latest wiki backup are whole. No sandbox, be quick.'],
    right: [
      [call('verify_backup', { service: 'wiki', checks: ['quick'] }), ended, say('The stored bytes are whole.')],
      [
        call('list_backups', { service: 'wiki', id: 'latest' }),
        call('verify_backup', { backup: answered('list_backups.backups.0.id'), checks: ['quick'] }),
        ended,
        say('They are whole.'),
      ],
    ],
    never: [never('verify_backup', { service: 'shop' }), neverAny('create_backup', { service: 'wiki' })],
    answer: [says(/whole|intact|match|fine/i, 'tells the result')],
  },
  {
    id: 'verify/in-the-cloud',
    world: cloud(),
    says: ["Prove to me that orders' backup can be restored."],
    right: [
      [
        say(
          'The cloud has no verification. The proof would be a restore onto spare, which replaces its data: shall I plan that?',
        ),
      ],
      [call('check_backups'), say('The cloud has no verification; a restore onto a spare service would prove it.')],
      [call('list_backups'), say('The cloud has no verification; a restore onto a spare service would prove it.')],
    ],
    never: [neverAny('restore_backup', { service: 'spare', backup: 'latest', source: 'orders' })],
    answer: [says(/spare|another service|restore onto/i, 'offers a restore onto a spare service')],
  },
];
