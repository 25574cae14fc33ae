import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { ArchivedLog, Manifest } from '../repository/manifest.ts';
import { prepareMemory } from './prepare.ts';
import type { RestoreSource } from './source.ts';
import { checkSpace, meansNoSpace, type RestoreSpace, restoreSpace, spaceWarning } from './space.ts';

const mebibyte = 1024 * 1024;
const spaceOf = (change: Partial<RestoreSpace>): RestoreSpace => ({
  ...{ needed: 100 * mebibyte, replayed: 0, free: 0, place: '/x' },
  ...change,
});

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
  expect(() => checkSpace(spaceOf({ free: 100 * mebibyte }))).not.toThrow();
  expect(() => checkSpace(spaceOf({ free: 100 * mebibyte - 1 }))).toThrow(/100 MiB/);
  try {
    checkSpace(spaceOf({ free: 40 * mebibyte }));
  } catch (error) {
    expect(error).toMatchObject({ code: 'no_space', hint: expect.stringContaining('60 MiB') });
  }
});

test('long logs to be replayed are warned of where they might not fit, and refused only where it is certain', () => {
  const tight = spaceOf({ free: 400 * mebibyte, replayed: 301 * mebibyte });
  expect(() => checkSpace(tight)).not.toThrow();
  expect(spaceWarning(tight)).toMatch(/hold 301 MiB.* about 401 MiB would be needed, and \/x has 400 MiB free/);
  expect(spaceWarning({ ...tight, replayed: 300 * mebibyte })).toBeUndefined();
  expect(spaceWarning(spaceOf({ free: 100 * mebibyte }))).toBeUndefined();
});

test('of the logs, what is replayed counts: all of it as what may be added, the longest as what lies beside the data', () => {
  const log = (bytes: number) => ({ manifest: {} as Manifest, log: { bytes } as ArchivedLog });
  const full = { type: 'full', disk_bytes: 1000 * mebibyte } as Manifest;
  const spaceFor = (source: RestoreSource) => restoreSpace(source, { beside: tmpdir() });
  const cut = { begin: 700 * mebibyte, end: 10 * mebibyte };
  const logs = [log(1000 * mebibyte), log(200 * mebibyte), log(1000 * mebibyte)] as const;
  const rolled = spaceFor({ backups: [full], rollForward: { logs: [...logs], from: '', until: '0-1-9', cut } });
  expect(rolled.replayed).toBe(510 * mebibyte);
  expect(rolled.needed - spaceFor({ backups: [full] }).needed).toBe(300 * mebibyte);
  const one = {
    logs: [logs[0]] as const,
    from: '',
    until: '0-1-9',
    cut: { begin: 700 * mebibyte, end: 701 * mebibyte },
  };
  expect(spaceFor({ backups: [full], rollForward: one }).replayed).toBe(mebibyte);
});

test('memory for preparing: no less than the tool’s default, no more than a quarter of what is free or a gibibyte', () => {
  expect(prepareMemory(1, 8192 * mebibyte)).toBe(96 * mebibyte);
  expect(prepareMemory(300 * mebibyte, 8192 * mebibyte)).toBe(300 * mebibyte);
  expect(prepareMemory(50_000 * mebibyte, 8192 * mebibyte)).toBe(1024 * mebibyte);
  expect(prepareMemory(50_000 * mebibyte, 1024 * mebibyte)).toBe(256 * mebibyte);
  expect(prepareMemory(50_000 * mebibyte, 64 * mebibyte)).toBe(96 * mebibyte);
});
