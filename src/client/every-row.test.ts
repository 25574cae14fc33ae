import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cloudPage, everyRow, type FetchPage, type RowKeys } from './every-row.ts';

interface Numbered {
  id: number;
}
const keys: RowKeys<Numbered> = { id: ({ id }) => id, at: ({ id }) => id };

it('a server that gives ever more rows is named, and does not hold a call for ever', async () => {
  let pages = 0;
  const endless: FetchPage<Numbered> = async ({ page = 1 }) => {
    pages += 1;
    const items = Array.from({ length: 100 }, (_, n) => ({ id: -(page * 100 + n) }));
    return { items, count: 1_000_000, pages: 10_000 };
  };
  await expect(everyRow(endless, keys)).rejects.toMatchObject({ code: 'bad_answer', retryable: false });
  expect(pages).toBe(1000);
});

it('the wanted page of any list is right, whatever size, order and counts the server makes up', async () => {
  const rows = fc.uniqueArray(fc.nat(10_000), { maxLength: 150 });
  const quirks = fc.record({
    size: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
    isOrdered: fc.boolean(),
    pages: fc.option(fc.nat(100), { nil: undefined }),
    hasCount: fc.boolean(),
    isBare: fc.boolean(),
  });
  const wanted = fc.record({
    page: fc.integer({ min: 1, max: 8 }),
    page_size: fc.integer({ min: 1, max: 40 }),
    order: fc.constantFrom('asc' as const, 'desc' as const),
  });
  await fc.assert(
    fc.asyncProperty(rows, quirks, wanted, async (ids, { size, isOrdered, pages, hasCount, isBare }, query) => {
      const fetch: FetchPage<Numbered> = async ({ page = 1, page_size = 100, order }) => {
        const sorted = isOrdered && order ? ids.toSorted((a, b) => (order === 'asc' ? a - b : b - a)) : ids;
        if (isBare) return { items: sorted.map((id) => ({ id })), count: undefined, pages: undefined };
        const cut = size ?? page_size;
        const items = sorted.slice((page - 1) * cut, page * cut).map((id) => ({ id }));
        // Without a count the pages are all there is to go by: then they are true.
        const told = hasCount ? (pages ?? Math.ceil(ids.length / cut)) : Math.ceil(ids.length / cut);
        return { items, count: hasCount ? ids.length : undefined, pages: told };
      };
      const { page, page_size, order } = query;
      const right = ids
        .toSorted((a, b) => (order === 'asc' ? a - b : b - a))
        .slice((page - 1) * page_size, page * page_size);
      const got = await cloudPage(query, fetch, keys);
      expect(got.items.map(({ id }) => id)).toEqual(right);
      if (hasCount || isBare) expect(got.count).toBe(ids.length);
    }),
  );
});
