import { expect, test } from 'vitest';
import { prepareMemory } from './prepare.ts';
import { checkSpace, meansNoSpace } from './space.ts';

test('what means a full disk, in the words of those who meet one', () => {
  const full = [
    `mbstream: Error writing file './ibdata1' (Errcode: 28 "No space left on device")`,
    "[ERROR] InnoDB: Error number 28 means 'No space left on device'",
    'zstd: error 70 : Write error : cannot write block : No space left on device',
    'mariadbd: Disk is full writing \'./mysql/x.MAD\' (Errcode: 122 "Disk quota exceeded")',
    Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }),
  ];
  expect(full.filter((words) => !meansNoSpace(words))).toEqual([]);
  const other = ['Got error 128 from storage engine', 'Errcode: 2 "No such file"', new Error('EACCES')];
  expect(other.filter(meansNoSpace)).toEqual([]);
});

test('space that fits exactly is enough, one byte less is not, and the hint says how much to free', () => {
  const mebibyte = 1024 * 1024;
  expect(() => checkSpace({ needed: 100 * mebibyte, free: 100 * mebibyte, place: '/x' })).not.toThrow();
  expect(() => checkSpace({ needed: 100 * mebibyte, free: 100 * mebibyte - 1, place: '/x' })).toThrow(/100 MiB/);
  try {
    checkSpace({ needed: 100 * mebibyte, free: 40 * mebibyte, place: '/x' });
  } catch (error) {
    expect(error).toMatchObject({ code: 'no_space', hint: expect.stringContaining('60 MiB') });
  }
});

test('memory for preparing: no less than the tool’s default, no more than a quarter of what is free or a gibibyte', () => {
  const mebibyte = 1024 * 1024;
  expect(prepareMemory(1, 8192 * mebibyte)).toBe(96 * mebibyte);
  expect(prepareMemory(300 * mebibyte, 8192 * mebibyte)).toBe(300 * mebibyte);
  expect(prepareMemory(50_000 * mebibyte, 8192 * mebibyte)).toBe(1024 * mebibyte);
  expect(prepareMemory(50_000 * mebibyte, 1024 * mebibyte)).toBe(256 * mebibyte);
  expect(prepareMemory(50_000 * mebibyte, 64 * mebibyte)).toBe(96 * mebibyte);
});
