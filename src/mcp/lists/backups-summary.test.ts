import { expect, it } from 'vitest';
import { counted } from './backups-summary.ts';

it('what is not among the words that were counted is told as other', async () => {
  const counts: Record<string, number> = { Succeeded: 7, Failed: 2, Running: 0 };
  expect(await counted(Object.keys(counts), 10, async (word) => counts[word] ?? 0)).toEqual({
    Succeeded: 7,
    Failed: 2,
    other: 1,
  });
});

it('a server that answers every word with all it has counts nothing', async () => {
  expect(await counted(['Succeeded', 'Failed'], 10, async () => 10)).toBeUndefined();
});
