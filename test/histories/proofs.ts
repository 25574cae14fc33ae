import type { Dice } from './dice.ts';
import { differences, type Fingerprint } from './fingerprint.ts';
import type { Moment } from './timeline.ts';
import type { World } from './world.ts';

/** The service that is made of it, and removed again. */
const copy = 'copy-to-look-at';

/** What is to be restored, and what has to come of it. */
interface Wanted {
  words: string;
  request: { id: string };
  /** Every moment that is a right answer. */
  right: readonly Moment[];
  /** Whether it has to work. Else it may be refused, though never answered wrongly. */
  certain: boolean;
}

/** Makes a new service of a random point, and compares every table with what was recorded then. */
export async function prove(world: World, dice: Dice): Promise<void> {
  if (world.backups.length === 0) return;
  const wanted = ownMoment(world, dice);
  const end = await world.restore(copy, { target: 'new', ...wanted.request });
  if (end.refused !== undefined) {
    world.tell(`     ${wanted.words}: refused, ${end.refused.code}: ${end.refused.message}`);
    const allowed = ['unsupported', 'not_found', 'conflict'].includes(end.refused.code);
    if (!wanted.certain && allowed) return;
    throw new Error(`${wanted.words} was refused: ${JSON.stringify(end.refused)}`);
  }
  const found = await world.holds(copy);
  await world.remove(copy);
  const at = wanted.right.find(({ state }) => differences(state, found).length === 0);
  if (at !== undefined) return world.tell(`     proven: ${wanted.words} is as #${at.index}`);
  throw new Error(`${wanted.words} is not what it was: ${whatItIs(world, wanted, found)}`);
}

function whatItIs({ timeline }: World, { right }: Wanted, found: Fingerprint): string {
  const like = timeline.moments.filter(({ state }) => differences(state, found).length === 0);
  const last = right.at(-1);
  const wrong = last === undefined ? ['nothing at all was right'] : differences(last.state, found);
  const rightOnes = right.map(({ index }) => `#${index}`).join(', ');
  return `right ${rightOnes}; it is as ${like.map(({ index }) => `#${index}`).join(', ') || 'never'}\n${wrong.join('\n')}`;
}

function ownMoment({ backups }: World, dice: Dice): Wanted {
  const { id, type, moment } = dice.one(backups);
  return { words: `${type} ${id.slice(0, 8)} of #${moment.index}`, request: { id }, right: [moment], certain: true };
}
