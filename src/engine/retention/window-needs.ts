import type { Reach } from '../recovery/windows.ts';

/**
 * Of all that a service can be taken back by, what is enough for every moment since then: few backups, each with all its
 * logs. Each incarnation is a story of its own, and none stands in for another.
 */
export function* windowNeeds(reaches: readonly Reach[], since: number): Generator<Reach> {
  for (const story of Map.groupBy(reaches, ({ base }) => base.incarnation).values()) yield* cover(story, since);
}

/** Where one ends, the one that reaches farthest goes on; of equals the newest, which needs the fewest logs. */
function* cover(story: readonly Reach[], since: number): Generator<Reach> {
  const left = story
    .filter((reach) => endOf(reach) >= since)
    .sort((a, b) => a.base.at - b.base.at || a.base.endedAt - b.base.endedAt);
  let farthest: Reach | undefined;
  // The earliest moment that is not covered yet.
  for (let at = since; at < Number.POSITIVE_INFINITY; ) {
    for (const reach of takeWhile(left, (next) => surelyBy(next) <= at)) farthest = farther(farthest, reach);
    const chosen =
      farthest !== undefined && endOf(farthest) >= at
        ? [farthest]
        : // Nothing leads there. Of those that begin in the next second with any, nobody tells which was first.
          takeWhile(left, (next, first) => next.base.at === first.base.at);
    if (chosen.length === 0) return;
    yield* chosen;
    for (const reach of chosen) {
      farthest = farther(farthest, reach);
      at = Math.max(at, endOf(reach) + 1);
    }
  }
}

/** Takes off a list its beginning. */
function takeWhile(list: Reach[], wanted: (reach: Reach, first: Reach) => boolean): Reach[] {
  const [first] = list;
  if (first === undefined) return [];
  const end = list.findIndex((reach) => !wanted(reach, first));
  return list.splice(0, end < 0 ? list.length : end);
}

function farther(one: Reach | undefined, other: Reach): Reach {
  return one === undefined || endOf(other) >= endOf(one) ? other : one;
}

function endOf({ until, open }: Reach): number {
  return open ? Number.POSITIVE_INFINITY : until;
}

/** A backup tells its moment in whole seconds: what was committed within that second may lie before it. */
function surelyBy({ base }: Reach): number {
  return base.at + 999;
}
