import fc from 'fast-check';
import { expect, it } from 'vitest';
import { listPage, type Row } from './list-page.ts';

const rowOf = (item: { id: number; text: string }): Row => ({ text: item.text, data: { id: item.id } });

async function walk(items: { id: number; text: string }[], limit: number, paged: boolean) {
  const seen: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await listPage(
      { limit, cursor },
      async ({ page, page_size }) => ({
        items: paged ? items.slice((page - 1) * page_size, page * page_size) : items,
        count: items.length,
        pages: 1,
      }),
      rowOf,
    );
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    expect(page.rows.map(({ text }) => text).join('').length).toBeLessThanOrEqual(
      3600 + (page.rows.length === 1 ? 1e6 : 0),
    );
    seen.push(...page.rows.map(({ data }) => Number(data.id)));
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return seen;
}

it('every item comes exactly once, in order, whatever the limit, the lengths, and whether the server pages', async () => {
  const list = fc.array(fc.nat(3000), { maxLength: 70 });
  await fc.assert(
    fc.asyncProperty(list, fc.integer({ min: 1, max: 25 }), fc.boolean(), async (lengths, limit, paged) => {
      const items = lengths.map((length, id) => ({ id, text: 'x'.repeat(length) }));
      expect(await walk(items, limit, paged)).toEqual(items.map(({ id }) => id));
    }),
  );
});

it.each(['', '0.0.00000000', '1', '1.25.00000000', 'x', '1.0', '1.0.0', '99999999.0.00000000'])(
  'refuses the cursor %j',
  async (cursor) => {
    await expect(
      listPage({ limit: 1, cursor }, async () => ({ items: [], count: 0, pages: 1 }), rowOf),
    ).rejects.toThrow(/cursor/);
  },
);

it('rows that come and go between two parts: none twice, and none lost unsaid', async () => {
  type Item = { id: number; text: string };
  const change = fc.record({ insert: fc.nat(30), remove: fc.array(fc.nat(200), { maxLength: 10 }) });
  await fc.assert(
    fc.asyncProperty(fc.nat(120), fc.integer({ min: 1, max: 25 }), fc.array(change), async (length, limit, changes) => {
      let items: Item[] = Array.from({ length }, (_, id) => ({ id, text: '' }));
      const stayed = new Set(items.map(({ id }) => id));
      const seen: number[] = [];
      let isTold = false;
      let nextId = 1000;
      let cursor: string | undefined;
      do {
        const page = await listPage<Item>(
          { limit, cursor },
          async ({ page, page_size }) => ({
            items: items.slice((page - 1) * page_size, page * page_size),
            count: items.length,
            pages: Math.ceil(items.length / page_size),
          }),
          rowOf,
        );
        seen.push(...page.rows.map(({ data }) => Number(data.id)));
        isTold ||= page.warnings.length > 0;
        cursor = page.next_cursor;
        const { insert = 0, remove = [] } = changes.pop() ?? {};
        for (const index of remove) for (const { id } of items.splice(index, 1)) stayed.delete(id);
        items = [...Array.from({ length: insert }, () => ({ id: nextId++, text: '' })), ...items];
      } while (cursor !== undefined);
      if (isTold) return;
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toEqual(expect.arrayContaining([...stayed]));
    }),
  );
});
