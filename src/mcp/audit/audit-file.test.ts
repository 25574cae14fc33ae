import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appendLine } from './audit-file.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'skb-audit-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const files = (): string[] => readdirSync(home).sort();
const lines = (names = files()): string[] =>
  names.flatMap((name) =>
    readFileSync(join(home, name), 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );

it('makes the file for its owner alone, in a home that is not there yet', () => {
  const path = join(home, 'deep/er/audit.jsonl');
  appendLine(path, '{"a":1}');
  appendLine(path, '{"a":2}');
  expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n{"a":2}\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('several processes write at once, also over the moment of putting aside: each line is whole, and none is lost', async () => {
  const script = `
    const { appendLine } = await import(${JSON.stringify(join(import.meta.dirname, 'audit-file.ts'))});
    for (let n = 0; n < 200; n += 1)
      appendLine(${JSON.stringify(join(home, 'audit.jsonl'))}, JSON.stringify({ by: process.argv[1], n, fill: 'x'.repeat(500) }), { largest: 50_000, kept: 1000 });`;
  const writers = ['a', 'b', 'c', 'd'].map((name) =>
    spawn(process.execPath, ['--input-type=module', '-e', script, name], { stdio: ['ignore', 'ignore', 'inherit'] }),
  );
  expect(await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0]))).toEqual([0, 0, 0, 0]);
  const seen = lines().map((line) => JSON.parse(line));
  expect(new Set(seen.map(({ by, n }) => `${by}${n}`)).size).toBe(800);
  expect(seen).toHaveLength(800);
  expect(files().length).toBeGreaterThan(3);
});

it('keeps a bounded number of files, the newest', async () => {
  const path = join(home, 'audit.jsonl');
  for (let n = 0; n < 40; n += 1) {
    appendLine(path, JSON.stringify({ n, fill: 'x'.repeat(100) }), { largest: 300, kept: 3 });
    // Their names tell milliseconds apart.
    const named = Date.now();
    while (Date.now() === named);
  }
  const aside = files().filter((name) => name !== 'audit.jsonl');
  expect(aside).toHaveLength(3);
  const kept = lines(aside).map((line) => JSON.parse(line).n);
  expect(kept).toEqual(kept.toSorted((a, b) => a - b));
  expect(kept.at(-1)).toBeGreaterThan(35);
});

it('a line that a full disk cut in half does not swallow the next', () => {
  const path = join(home, 'audit.jsonl');
  appendFileSync(path, '{"whole":1}\n{"half":');
  appendLine(path, '{"next":1}');
  expect(readFileSync(path, 'utf8').split('\n')).toEqual(['{"whole":1}', '{"half":', '{"next":1}', '']);
});

it('says that a disk is full', () => {
  symlinkSync('/dev/full', join(home, 'audit.jsonl'));
  expect(() => appendLine(join(home, 'audit.jsonl'), '{}')).toThrow('ENOSPC');
});
