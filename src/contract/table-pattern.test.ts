import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTablePattern } from './table-pattern.ts';

const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

test('a table, or everything of a schema', () => {
  expect(parseTablePattern('shop.orders')).toEqual({ schema: 'shop', table: 'orders' });
  expect(parseTablePattern('shop.*')).toEqual({ schema: 'shop', table: undefined });
  expect(parseTablePattern('odd name-1.t-1 ü')).toEqual({ schema: 'odd name-1', table: 't-1 ü' });
  expect(parseTablePattern('shop.`*`')).toEqual({ schema: 'shop', table: '*' });
  for (const wrong of ['', 'shop', '.orders', 'shop.', '*.*x`', '`shop`', '`shop.orders`', 'shop.`a']) {
    expect(parseTablePattern(wrong), wrong).toBeUndefined();
  }
});

test('any name can be given in backquotes', () => {
  const name = fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' });
  fc.assert(
    fc.property(name, name, (schema, table) => {
      expect(parseTablePattern(`${quote(schema)}.${quote(table)}`)).toEqual({ schema, table });
      expect(parseTablePattern(`${quote(schema)}.*`)).toEqual({ schema, table: undefined });
    }),
  );
});
