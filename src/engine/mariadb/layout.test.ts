import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layoutObstacles } from './layout.ts';

describe('layouts', () => {
  let datadir: string;
  beforeEach(() => {
    datadir = mkdtempSync(join(tmpdir(), 'skb-layout-'));
    mkdirSync(join(datadir, 'shop'));
    writeFileSync(join(datadir, 'shop/t.ibd'), '');
  });
  afterEach(() => rmSync(datadir, { recursive: true, force: true }));
  const messages = async (variables: Record<string, string> = {}) =>
    (await layoutObstacles(datadir, variables)).map((obstacle) => obstacle.message);

  it('with everything inside are fine, however that is spelt', async () => {
    expect(
      await messages({
        innodb_log_group_home_dir: './',
        innodb_undo_directory: datadir,
        innodb_data_home_dir: '',
        aria_log_dir_path: `${datadir}/`,
        innodb_data_file_path: 'ibdata1:12M;ibdata2:10M:autoextend',
        wsrep_on: 'OFF',
      }),
    ).toEqual([]);
  });

  it.each([
    ['innodb_log_group_home_dir', '/redo'],
    ['innodb_undo_directory', '../undo'],
    ['innodb_data_home_dir', 'sub'],
    ['aria_log_dir_path', '/aria'],
    ['innodb_data_file_path', 'ibdata1:12M;/disk2/ibdata2:10M'],
    ['wsrep_on', 'ON'],
    ['rocksdb_datadir', './#rocksdb'],
  ])('with %s = %s are refused by that name', async (name, value) => {
    const obstacles = await layoutObstacles(datadir, { [name]: value });
    expect(obstacles).toMatchObject([{ code: 'unsupported_layout', details: { variable: name } }]);
  });

  it('with a linked schema, a linked file or a tablespace elsewhere are refused by that path', async () => {
    symlinkSync('/tmp', join(datadir, 'linked'));
    expect(await messages()).toEqual([expect.stringContaining(`${datadir}/linked is a symbolic link`)]);
    rmSync(join(datadir, 'linked'));
    symlinkSync('/tmp/t.ibd', join(datadir, 'shop/link.ibd'));
    expect(await messages()).toEqual([expect.stringContaining('shop/link.ibd is a symbolic link')]);
    rmSync(join(datadir, 'shop/link.ibd'));
    writeFileSync(join(datadir, 'shop/t2.isl'), '/disk2/t2.ibd');
    expect(await messages()).toEqual([expect.stringContaining('shop/t2.isl points to a tablespace elsewhere')]);
  });
});
