import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SqlStream } from './sql-stream.ts';

const database = (name: string): string => `\n--\n-- Current Database: \`${name}\`\n--\n\n`;
const tables = (name: string): string =>
  `${database(name)}CREATE DATABASE \`${name}\`;\n\nUSE \`${name}\`;\nINSERT INTO \`t\` VALUES ('--\\n');\n`;
const views = (name: string): string => `${database(name)}USE \`${name}\`;\nCREATE VIEW v;\n`;
const end = '\n-- Dump completed on 2026-11-22 20:00:00\n';
const accounts = 'CREATE USER `é`;\n';

async function through(text: string, cuts: readonly number[], early = ''): Promise<{ stream: SqlStream; out: string }> {
  const bytes = Buffer.from(text);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const chunks = places.slice(1).map((place, i) => bytes.subarray(places[i], place));
  const stream = new SqlStream(accounts, early);
  return { stream, out: (await buffer(Readable.from(chunks).pipe(stream))).toString() };
}

describe('the accounts in a dump', () => {
  const cuts = fc.array(fc.nat(2000), { maxLength: 40 });

  it('come after the last table and before the first view, wherever the chunks are cut', async () => {
    const before = `-- head\n${tables('a')}${tables('b b')}`;
    const after = `${views('a')}${views('b b')}${end}`;
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const { stream, out } = await through(before + after, at);
        expect(out).toBe(`${before}\n${accounts}${after.slice(1)}`);
        expect(stream.bytes).toBe(Buffer.byteLength(out));
        expect(stream.tail.endsWith(end)).toBe(true);
        expect(stream.head.startsWith('-- head\n')).toBe(true);
      }),
    );
  });

  it('and what must come before the first database are put in once each, wherever the chunks are cut', async () => {
    const early = 'CREATE SEQUENCE s;\n';
    const [head, before, after] = ['-- head\n', tables('a') + tables('b'), views('a') + end];
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const { stream, out } = await through(head + before + after, at, early);
        expect(out).toBe(`${head}\n${early}${before.slice(1)}\n${accounts}${after.slice(1)}`);
        expect(stream.bytes).toBe(Buffer.byteLength(out));
      }),
    );
  });

  it('come last where there is no view', async () => {
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        expect((await through(tables('a') + end, at)).out).toBe(tables('a') + end + accounts);
      }),
    );
  });

  it('change nothing else of any text', async () => {
    const pieces = fc.constantFrom(
      '\n',
      '--',
      '\n--\n',
      '-- Current Database: `',
      'x`',
      '\n--\n\n',
      'CREATE ',
      'USE',
      'é',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 60 }), cuts, async (parts, at) => {
        const text = parts.join('');
        const { out } = await through(text, at);
        expect(out.replace(accounts, '')).toBe(text);
      }),
    );
  });

  it('of a long dump leave only its head and tail in memory', async () => {
    const row = `${'x'.repeat(999)}\n`;
    const stream = new SqlStream('');
    const out = await buffer(Readable.from(Array.from({ length: 3000 }, () => Buffer.from(row))).pipe(stream));
    expect(out.length).toBe(3_000_000);
    expect(stream.head.length).toBe(65_536);
    expect(stream.tail.length).toBeLessThan(70_000);
  });
});
