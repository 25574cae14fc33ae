import type { Dice } from './dice.ts';
import { differences, type Fingerprint } from './fingerprint.ts';
import type { Moment } from './timeline.ts';
import { service, type TakenBackup, type World } from './world.ts';

/** The service that is made of it, and removed again. */
const copy = 'copy-to-look-at';

/** What is to be restored, and what has to come of it. */
export interface Wanted {
  words: string;
  request: { id: string; gtid?: string; before_gtid?: string; point_in_time?: string };
  /** Every moment that is a right answer. */
  right: readonly Moment[];
  /** Whether it has to work. Else it may be refused, though never answered wrongly. */
  certain: boolean;
}

/** Makes a new service of a random point, and compares every table with what was recorded then. */
export async function prove(world: World, dice: Dice): Promise<void> {
  const wanted = choose(world, dice);
  if (wanted === undefined) return;
  const end = await world.restore(copy, { target: 'new', ...wanted.request });
  if (end.refused !== undefined) return expectRefusal(world, wanted, end.refused);
  const found = await world.holds(copy);
  await world.remove(copy);
  expectRight(world, wanted, found);
}

/** A random point. Mostly one that has to work: refusals are quick and prove little. */
export function choose(world: World, dice: Dice): Wanted | undefined {
  if (world.backups.length === 0) return undefined;
  let wanted: Wanted | undefined;
  for (let tries = 5; tries > 0 && wanted?.certain !== true; tries -= 1) {
    wanted = dice.weighted(kinds).choose(world, dice);
  }
  return wanted;
}

export function expectRefusal(
  world: World,
  { words, certain }: Wanted,
  refused: { code: string; message: string },
): void {
  world.tell(`     ${words}: refused, ${refused.code}: ${refused.message}`);
  if (!certain && ['unsupported', 'not_found', 'conflict'].includes(refused.code)) return;
  throw new Error(`${words} was refused: ${JSON.stringify(refused)}`);
}

export function expectRight(world: World, wanted: Wanted, found: Fingerprint): void {
  const at = wanted.right.find(({ state }) => differences(state, found).length === 0);
  if (at === undefined) throw new Error(`${wanted.words} is not what it was: ${whatItIs(world, wanted, found)}`);
  world.tell(`     proven: ${wanted.words} is as #${at.index}`);
}

function whatItIs({ timeline }: World, { right }: Wanted, found: Fingerprint): string {
  const like = timeline.moments.filter(({ state }) => differences(state, found).length === 0);
  const last = right.at(-1);
  const wrong = last === undefined ? ['nothing at all was right'] : differences(last.state, found);
  const rightOnes = right.map(({ index }) => `#${index}`).join(', ');
  return `right ${rightOnes}; it is as ${like.map(({ index }) => `#${index}`).join(', ') || 'never'}\n${wrong.join('\n')}`;
}

interface Kind {
  weight: number;
  choose(world: World, dice: Dice): Wanted | undefined;
}

const kinds: readonly Kind[] = [
  { weight: 2, choose: ownMoment },
  { weight: 3, choose: transaction },
  { weight: 2, choose: beforeTransaction },
  { weight: 3, choose: second },
];

function ownMoment({ backups }: World, dice: Dice): Wanted {
  const { id, type, moment } = dice.one(backups);
  return { words: `${type} ${id.slice(0, 8)} of #${moment.index}`, request: { id }, right: [moment], certain: true };
}

function transaction(world: World, dice: Dice): Wanted | undefined {
  const moment = dice.one(world.timeline.moments);
  const gtid = dice.chance(50) ? moment.gtid : moment.position;
  if (gtid === undefined || gtid === '') return undefined;
  const from = source(world, dice, moment);
  return {
    words: `${from.words} to #${moment.index} (${gtid})`,
    request: { id: from.id, gtid },
    right: [moment],
    certain: from.certain,
  };
}

function beforeTransaction(world: World, dice: Dice): Wanted | undefined {
  const next = dice.one(world.timeline.moments);
  const moment = world.timeline.moments[next.index - 1];
  if (next.gtid === undefined || moment === undefined) return undefined;
  const from = source(world, dice, moment);
  // From the very backup of that moment nothing is to be rolled forward, and its log need not be there.
  return {
    words: `${from.words} to before #${next.index} (${next.gtid})`,
    request: { id: from.id, before_gtid: next.gtid },
    right: [moment],
    certain: from.certain && world.timeline.whole(moment, next),
  };
}

function second(world: World, dice: Dice): Wanted | undefined {
  const { timeline } = world;
  const near = dice.one(timeline.moments);
  const [first, last] = timeline.span(near.incarnation);
  const at = Math.floor(near.time[1]) + dice.whole(-1, 1);
  // The second in which the data were replaced belongs to neither side for certain.
  if (at <= first || at >= last || at > world.clock()) return undefined;
  const right = timeline.asOf(at, near.incarnation, world.clock() + 1);
  const earliest = right[0];
  const latest = right.at(-1);
  if (earliest === undefined || latest === undefined) return undefined;
  // Only a log that goes on to the next transaction tells that there was none until then.
  const next = timeline.moments[latest.index + 1];
  const told = next?.incarnation === near.incarnation ? next : latest;
  const ended = told === latest && near.incarnation !== timeline.incarnation;
  const from = source(world, dice, earliest, told, at);
  const point_in_time = new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return {
    words: `${from.words} to ${point_in_time} (#${earliest.index} to #${latest.index})`,
    request: { id: from.id, point_in_time },
    right,
    certain: from.certain && !ended,
  };
}

/** A backup or the whole service, and whether it leads for certain to every moment from `earliest` to `latest`. */
function source(
  { backups, timeline }: World,
  dice: Dice,
  earliest: Moment,
  latest = earliest,
  at = Number.POSITIVE_INFINITY,
): { id: string; words: string; certain: boolean } {
  const leads = ({ type, moment, endedAt }: TakenBackup): boolean =>
    // Where tables know no transactions a dump does not take a roll-forward.
    type !== 'dump' &&
    moment.incarnation === earliest.incarnation &&
    moment.index <= earliest.index &&
    endedAt <= at &&
    timeline.whole(moment, latest);
  if (dice.chance(50)) return { id: service, words: 'the service', certain: backups.some(leads) };
  const good = backups.filter(leads);
  const backup = dice.one(good.length > 0 && dice.chance(80) ? good : backups);
  return {
    id: backup.id,
    words: `${backup.type} ${backup.id.slice(0, 8)} of #${backup.moment.index}`,
    certain: leads(backup),
  };
}
