import { expect, test, vi } from 'vitest';
import { runHistory } from './history.ts';

vi.setConfig({ testTimeout: 300_000 });

// Few and short ones, always the same: `npm run test:long` has many.
test.each([1453])('random history %i: every point that is restored is as it was', async (seed) => {
  await expect(runHistory({ seed, steps: 16, proofs: 2 })).resolves.toBeUndefined();
});
