import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SkybackupError } from '../../contract/errors.ts';
import { MemberNames } from './member-names.ts';

const part = fc.constantFrom(
  '..',
  '.',
  '',
  'shop',
  'backup',
  'ibdata1',
  't.ibd',
  'a b',
  '\0',
  '\\',
  'xtrabackup_info',
  '#x',
);
const name = fc.oneof(
  fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/')),
  fc.string({ maxLength: 40, unit: 'binary' }),
);

test('whatever names come, what is written lies in the data, at most one folder deep, and once', () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 20 }), (all) => {
      const names = new MemberNames('s3://bucket/backup.tar');
      const written: string[] = [];
      try {
        for (const each of all) {
          const path = names.add(each);
          if (path !== undefined) written.push(path);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(SkybackupError);
      }
      for (const path of written) {
        const parts = path.split('/');
        expect(parts.length).toBeLessThanOrEqual(2);
        for (const each of parts) expect(['', '.', '..']).not.toContain(each);
      }
      expect(new Set(written).size).toBe(written.length);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  [
    ['ibdata1', 'shop/t.ibd'],
    ['ibdata1', 'shop/t.ibd'],
  ],
  [
    ['./ibdata1', './shop/t.ibd'],
    ['ibdata1', 'shop/t.ibd'],
  ],
  [
    ['full/shop/t.ibd', 'full/ibdata1'],
    ['shop/t.ibd', 'ibdata1'],
  ],
  [
    ['var/backups/full/mysql/db.frm', 'var/backups/full/undo001'],
    ['mysql/db.frm', 'undo001'],
  ],
  [
    ['shop/t.ibd', 'ibdata1'],
    ['shop/t.ibd', 'ibdata1'],
  ],
  [
    ['full/xtrabackup_info', 'full/my.cnf'],
    ['xtrabackup_info', undefined],
  ],
])('%j go to %j', (given, wanted) => {
  const names = new MemberNames('s3://bucket/backup.tar');
  expect(given.map((each) => names.add(each))).toEqual(wanted);
});

test('what lies outside of the folder of all else is refused', () => {
  const names = new MemberNames('s3://bucket/backup.tar');
  names.add('full/ibdata1');
  expect(() => names.add('other/shop/t.ibd')).toThrow('lies outside of the folder full/');
});
