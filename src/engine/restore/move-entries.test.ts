import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DataMove } from './move-data.ts';
import { forgetMarks, movedAsEntries } from './move-entries.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skb-move-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const schemas = ['mysql', 'shop', 'crm', 'sys'];
const files = ['ibdata1', 'ib_logfile0', 'aria_log_control', 'binlog.000001'];
const entry = fc.subarray([...schemas, ...files]).map((names) => [...new Set(['mysql', 'ibdata1', ...names])]);
/** How many renames a killed daemon got done. */
const done = fc.nat({ max: schemas.length + files.length });

function makeData(directory: string, names: readonly string[], words: string): void {
  mkdirSync(directory, { recursive: true });
  for (const name of names) {
    if (schemas.includes(name)) mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, schemas.includes(name) ? 'table.ibd' : '').replace(/\/$/, ''), words);
  }
}

/** A data directory that is a mount point, with old data in it and new data ready. */
function makeMove(old: readonly string[], fresh: readonly string[]): DataMove {
  rmSync(root, { recursive: true, force: true });
  const data = join(root, 'data');
  const beside = join(data, '#skybackup', 'restores');
  const move = {
    by: 'entries' as const,
    data,
    fresh: join(beside, 'staging-1', 'data'),
    kept: join(beside, 'data.before-restore-1'),
  };
  makeData(data, old, 'old');
  mkdirSync(join(data, 'lost+found'));
  makeData(move.fresh, fresh, 'new');
  const { idOf } = movedAsEntries;
  return { ...move, oldId: idOf(data), newId: idOf(move.fresh), logs: undefined };
}

function contents(directory: string): Record<string, string> {
  if (!existsSync(directory)) return {};
  const names = readdirSync(directory).filter((name) => name !== '#skybackup' && name !== 'lost+found');
  return Object.fromEntries(
    names.map((name) => [
      name,
      readFileSync(join(directory, name, schemas.includes(name) ? 'table.ibd' : '').replace(/\/$/, ''), 'utf8'),
    ]),
  );
}

const all = (names: readonly string[], words: string) => Object.fromEntries(names.map((name) => [name, words]));

/** Does what a daemon that is killed after so many renames has done of a step. */
function someOf(from: string, to: string, count: number): void {
  mkdirSync(to, { recursive: true });
  for (const name of Object.keys(contents(from)).slice(0, count)) renameSync(join(from, name), join(to, name));
}

test('all of the old data aside and all of the new ones in, whatever they are; the mount point keeps what is its own', () => {
  fc.assert(
    fc.property(entry, entry, (old, fresh) => {
      const move = makeMove(old, fresh);
      expect(movedAsEntries.where(move)).toBe('old');
      movedAsEntries.aside(move);
      expect([movedAsEntries.where(move), contents(move.data)]).toEqual(['between', {}]);
      movedAsEntries.in(move);
      expect(movedAsEntries.where(move)).toBe('new');
      expect([contents(move.data), contents(move.kept)]).toEqual([all(fresh, 'new'), all(old, 'old')]);
      expect(existsSync(move.fresh)).toBe(false);
      expect(existsSync(join(move.data, 'lost+found'))).toBe(true);
      movedAsEntries.back(move);
      expect(movedAsEntries.where(move)).toBe('old');
      expect([contents(move.data), contents(move.fresh)]).toEqual([all(old, 'old'), all(fresh, 'new')]);
      expect(existsSync(move.kept)).toBe(false);
    }),
    { numRuns: 15 },
  );
});

test('killed after any rename of any step, it is finished or taken back, and no entry is lost or mixed', () => {
  const step = fc.constantFrom('aside', 'in', 'out again', 'back again');
  fc.assert(
    fc.property(entry, entry, step, done, fc.boolean(), (old, fresh, killedIn, count, forward) => {
      const move = makeMove(old, fresh);
      const { data, kept } = move;
      if (killedIn === 'aside') someOf(data, kept, count);
      else movedAsEntries.aside(move);
      if (killedIn === 'in') someOf(move.fresh, data, count);
      if (killedIn === 'out again') {
        movedAsEntries.in(move);
        someOf(data, move.fresh, count);
      }
      if (killedIn === 'back again') {
        forgetMarks(join(data, '#skybackup', 'restores'));
        someOf(kept, data, count);
      }
      expect(movedAsEntries.where(move)).not.toBe('unknown');
      if (forward && (killedIn === 'aside' || killedIn === 'in')) {
        movedAsEntries.in(move);
        expect([movedAsEntries.where(move), contents(data), contents(kept)]).toEqual([
          'new',
          all(fresh, 'new'),
          all(old, 'old'),
        ]);
      } else {
        movedAsEntries.back(move);
        expect([movedAsEntries.where(move), contents(data)]).toEqual(['old', all(old, 'old')]);
        expect(contents(move.fresh)).toEqual(all(fresh, 'new'));
      }
    }),
    { numRuns: 60 },
  );
});

test('what a server made in the middle is never replaced, nor does it replace anything', () => {
  const move = makeMove(['mysql', 'ibdata1'], ['mysql', 'ibdata1']);
  movedAsEntries.aside(move);
  makeData(move.data, ['ibdata1'], 'of a server that found nothing');
  expect(() => movedAsEntries.in(move)).toThrow('ibdata1 is there already');
  expect(contents(move.kept)).toEqual({ mysql: 'old', ibdata1: 'old' });
  expect(contents(move.data)).toEqual({ ibdata1: 'of a server that found nothing' });
  expect(contents(move.fresh)).toEqual({ mysql: 'new', ibdata1: 'new' });
});

test('data that have gone elsewhere are not guessed at', () => {
  const move = makeMove(['mysql', 'ibdata1'], ['mysql', 'ibdata1']);
  movedAsEntries.aside(move);
  rmSync(move.kept, { recursive: true });
  expect(movedAsEntries.where(move)).toBe('unknown');
});
