import { expect, test } from 'vitest';
import { runHistory } from './history.ts';

const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const first = setting('HISTORY_SEED', Math.floor(Date.now() / 1000));
const seeds = Array.from({ length: setting('HISTORY_ROUNDS', 20) }, (_, round) => first + round);
const steps = setting('HISTORY_STEPS', 60);

test.each(seeds)('random history %i: every point that is restored is as it was', async (seed) => {
  await expect(runHistory({ seed, steps, proofs: 10 })).resolves.toBeUndefined();
});
