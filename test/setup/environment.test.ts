import { expect, test } from 'vitest';

test('tests run on the pinned Node, whatever Node the machine has', () => {
  expect(process.version).toMatch(/^v24\./);
});

test('no setting of the developer reaches a test', () => {
  expect(Object.keys(process.env).filter((name) => /^(SKYSQL|SKYBACKUP)_/.test(name))).toEqual([]);
});
