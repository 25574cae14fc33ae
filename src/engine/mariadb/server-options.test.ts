import { expect, test } from 'vitest';
import { fileOptionArguments, fileOptions, prepareArguments } from './server-options.ts';

test('what the files need is kept, under one spelling', () => {
  expect(
    fileOptions({
      'innodb-page-size': '8192',
      innodb_data_file_path: 'ibdata1:12M:autoextend:max:2G;ibdata2:10M',
      lower_case_table_names: '1',
      character_set_server: 'utf8mb4',
    }),
  ).toEqual({
    innodb_page_size: '8192',
    innodb_data_file_path: 'ibdata1:12M:autoextend:max:2G;ibdata2:10M',
    lower_case_table_names: '1',
    character_set_server: 'utf8mb4',
  });
});

test('nothing of another machine comes along: no path, no plugin, no statement', () => {
  const hostile = {
    datadir: '/etc',
    plugin_load: 'evil.so',
    init_file: '/tmp/x.sql',
    innodb_data_file_path: '/var/lib/mysql/ibdata1:12M',
    innodb_page_size: '16384 --init-file=/tmp/x.sql',
    character_set_server: 'utf8mb4\n--datadir=/etc',
    collation_server: '',
  };
  expect(fileOptionArguments(hostile)).toEqual([]);
  expect(fileOptionArguments({ innodb_data_file_path: '../ibdata1:12M:autoextend' })).toEqual([]);
});

test('--prepare gets the options it knows, and only those', () => {
  expect(prepareArguments({ innodb_page_size: '4096', lower_case_table_names: '1' })).toEqual([
    '--innodb-page-size=4096',
  ]);
});
