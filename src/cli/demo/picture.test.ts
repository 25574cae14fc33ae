import { expect, test } from 'vitest';
import { differences, type Picture } from './picture.ts';

const picture = (checksums: Record<string, string>, objects: Record<string, string> = {}): Picture => ({
  checksums: new Map(Object.entries(checksums)),
  objects: new Map(Object.entries(objects)),
  rows: 0,
  bytes: 0,
});

test('equal pictures differ in nothing', () => {
  expect(differences(picture({ a: '1' }, { 'view v': 'x' }), picture({ a: '1' }, { 'view v': 'x' }))).toEqual([]);
});

test('what is changed, gone or new is named', () => {
  const before = picture({ a: '1', b: '2', c: '3' }, { 'view v': 'x' });
  const after = picture({ a: '1', b: '9', d: '4' }, { 'trigger t': 'y' });
  expect(differences(before, after)).toEqual(['b', 'c', 'd', 'view v', 'trigger t']);
});
