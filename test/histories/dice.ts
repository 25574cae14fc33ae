/** Random choices that a seed repeats. */
export interface Dice {
  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number;
  /** True in `percent` of a hundred throws. */
  chance(percent: number): boolean;
  /** One of them; throws when there is none. */
  one<T>(choices: readonly T[]): T;
  /** As `one`, each as often as its weight says. */
  weighted<T extends { weight: number }>(choices: readonly T[]): T;
  word(): string;
}

/** Throws of its own for each label: that one step threw more or fewer of them changes nothing for the others. */
export function diceOf(seed: number, label: string): Dice {
  let state = hash(`${seed}/${label}`);
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const one = <T>(choices: readonly T[]): T => {
    const choice = choices[whole(0, choices.length - 1)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  };
  return {
    whole,
    one,
    chance: (percent) => next() * 100 < percent,
    weighted(choices) {
      let left = next() * choices.reduce((sum, { weight }) => sum + weight, 0);
      for (const choice of choices) {
        left -= choice.weight;
        if (left < 0) return choice;
      }
      return one(choices);
    },
    word: () => one(['apple', 'Birne', 'ciliegia', "d'or", 'épée', '雪', 'back\\slash', '%_', ';--', 'x'.repeat(150)]),
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (const character of text) h = Math.imul(h ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return h;
}
