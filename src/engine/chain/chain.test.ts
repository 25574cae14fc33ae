import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChainLink, newestSoundChain, soundChain } from './chain.ts';

/** What happens to one service over time, as a property test draws it. */
type Event =
  | { kind: 'write'; pages: number }
  | { kind: 'full' | 'incremental' | 'restore' | 'upgrade' }
  | { kind: 'delete' | 'tamper'; which: number; how: keyof typeof tampering };

/** Each makes a link that must not be believed. */
const tampering = {
  incarnation: (link: ChainLink) => ({ ...link, incarnation: 'elsewhere' }),
  service: (link: ChainLink) => ({ ...link, service_id: 'another' }),
  version: (link: ChainLink) => ({ ...link, version: '9.9.9' }),
  root: (link: ChainLink) => ({ ...link, full: link.id }),
  itself: (link: ChainLink) => ({ ...link, parent: link.id }),
  start: (link: ChainLink) => ({ ...link, lsn: link.lsn && { ...link.lsn, from: `${BigInt(link.lsn.from) + 1n}` } }),
  lsn: (link: ChainLink) => ({ ...link, lsn: null }),
} as const;
const identity = new Set<string>(['incarnation', 'service', 'version']);

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('write' as const), pages: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('incremental' as const) }) },
  fc.record({ kind: fc.constantFrom('full' as const, 'restore' as const, 'upgrade' as const) }),
  fc.record({
    kind: fc.constantFrom('delete' as const, 'tamper' as const),
    which: fc.nat(30),
    how: fc.constantFrom(...(Object.keys(tampering) as (keyof typeof tampering)[])),
  }),
);

interface History {
  /** In the order they were taken. */
  backups: ChainLink[];
  incarnation: string;
  version: string;
  /** What was ever taken on what: the truth, whatever the links say after tampering. */
  taken: ChainLink[];
}

/** Plays the events. Incrementals are taken as the engine takes them: on the newest sound chain of this incarnation and version. */
function play(events: readonly Event[]): History {
  // Past what a number can hold exactly: such LSNs are real.
  let lsn = 2n ** 60n;
  const history: History = { backups: [], incarnation: 'i0', version: '1', taken: [] };
  const add = (link: Omit<ChainLink, 'id' | 'service_id' | 'incarnation' | 'version'>): void => {
    const { incarnation, version } = history;
    const made = { id: `b${history.taken.length}`, service_id: 'shop', incarnation, version, ...link };
    history.taken.push(made);
    history.backups.push(made);
  };
  for (const [index, each] of events.entries()) {
    if (each.kind === 'write') lsn += BigInt(each.pages);
    else if (each.kind === 'delete' || each.kind === 'tamper') {
      const at = each.which % Math.max(1, history.backups.length);
      const victim = history.backups[at];
      // A full that claims to be of elsewhere is sound by itself, there.
      if (victim === undefined || (victim.type === 'full' && identity.has(each.how))) continue;
      history.backups.splice(at, 1, ...(each.kind === 'delete' ? [] : [tampering[each.how](victim)]));
    } else if (each.kind === 'full') add({ type: 'full', parent: null, full: null, lsn: { from: '0', to: `${lsn}` } });
    else if (each.kind === 'restore') {
      history.incarnation = `i${index + 1}`;
      lsn -= 10n;
    } else if (each.kind === 'upgrade') history.version = `${index + 2}`;
    else if (each.kind === 'incremental') {
      const chain = newest(history);
      const [root, parent] = [chain?.[0], chain?.at(-1)];
      if (root === undefined || parent?.lsn == null || parent.version !== history.version) continue;
      const from = parent.lsn.to;
      add({ type: 'incremental', parent: parent.id, full: root.id, lsn: { from, to: `${lsn}` } });
    }
  }
  return history;
}

function finder(backups: readonly ChainLink[]) {
  const byId = new Map(backups.map((link) => [link.id, link]));
  return (id: string) => byId.get(id);
}

function newest({ backups, incarnation }: History): ChainLink[] | undefined {
  const candidates = backups.filter((link) => link.incarnation === incarnation).reverse();
  return newestSoundChain(candidates, finder(backups));
}

/** The model: the untouched fulls are sound, and so is every untouched incremental on a sound one. Nothing else is. */
function soundByModel({ backups, taken }: History): Set<string> {
  const untouched = new Set(backups.filter((link) => taken.includes(link)).map(({ id }) => id));
  const sound = new Set<string>();
  for (const { id, type, parent } of taken) {
    if (untouched.has(id) && (type === 'full' || (parent !== null && sound.has(parent)))) sound.add(id);
  }
  return sound;
}

const histories = fc.array(event, { maxLength: 60 }).map(play);

describe('a sound chain', () => {
  it('is found for exactly those backups that the model calls sound', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const find = finder(history.backups);
        const sound = history.backups.filter((link) => soundChain(link, find) !== undefined).map(({ id }) => id);
        expect(new Set(sound)).toEqual(soundByModel(history));
      }),
      { numRuns: 500 },
    );
  });

  it('is whole: a full first, each member beginning where the one before ended, all of one incarnation and version', () => {
    fc.assert(
      fc.property(histories, ({ backups }) => {
        for (const link of backups) {
          const chain = soundChain(link, finder(backups));
          if (chain === undefined) continue;
          expect(chain.at(-1)).toBe(link);
          expect(chain.map(({ type }) => type)).toEqual(['full', ...chain.slice(1).map(() => 'incremental')]);
          for (const [index, member] of chain.entries()) {
            expect(member).toMatchObject({ incarnation: link.incarnation, version: link.version });
            const before = chain[index - 1];
            expect(member.parent).toBe(before?.id ?? null);
            expect(member.lsn?.from).toBe(before?.lsn?.to ?? '0');
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('that an incremental builds on is the newest of the present incarnation', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const sound = soundByModel(history);
        const expected = history.taken.findLast(
          ({ id, incarnation }) => sound.has(id) && incarnation === history.incarnation,
        );
        expect(newest(history)?.at(-1)?.id).toBe(expected?.id);
      }),
      { numRuns: 300 },
    );
  });

  it('is not looked for further than to the first that has one', () => {
    const full: ChainLink = {
      id: 'f',
      service_id: 'shop',
      type: 'full',
      incarnation: 'i',
      version: '1',
      parent: null,
      full: null,
      lsn: { from: '0', to: '5' },
    };
    let read = 0;
    const candidates = function* (): Generator<ChainLink> {
      for (;;) {
        read += 1;
        yield full;
      }
    };
    expect(newestSoundChain(candidates(), () => full)).toEqual([full]);
    expect(read).toBe(1);
  });

  it('does not end in a loop of links that name each other', () => {
    const link = (id: string, parent: string): ChainLink => ({
      id,
      service_id: 'shop',
      type: 'incremental',
      incarnation: 'i',
      version: '1',
      parent,
      full: 'f',
      lsn: { from: '5', to: '5' },
    });
    const [a, b] = [link('a', 'b'), link('b', 'a')];
    expect(soundChain(a, finder([a, b]))).toBeUndefined();
  });

  it('has no dumps and no binary logs in it', () => {
    const dump: ChainLink = {
      id: 'd',
      service_id: 'shop',
      type: 'dump',
      incarnation: 'i',
      version: '1',
      parent: null,
      full: null,
      lsn: null,
    };
    expect(soundChain(dump, () => undefined)).toBeUndefined();
    const on = { ...dump, id: 'x', type: 'incremental', parent: 'd', full: 'd', lsn: { from: '0', to: '1' } };
    expect(soundChain(on, finder([dump, on]))).toBeUndefined();
  });
});
