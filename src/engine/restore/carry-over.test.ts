import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeMarker } from '../managed/data-marker.ts';
import { carryOver, filesToCarryOver } from './carry-over.ts';

let folder: string;
let data: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-carry-'));
  data = join(folder, 'data');
  mkdirSync(data);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('keys, option files and flags come along; the data, their logs and replication state do not', async () => {
  const wanted = ['ca.pem', 'server-key.pem', 'my.cnf', 'debian-10.11.flag', '.my_private'];
  const not = [
    ...['ibdata1', 'ib_logfile0', 'ibtmp1', 'ib_buffer_pool', 'undo001', 'aria_log.00000001', 'aria_log_control'],
    ...['binlog.000001', 'binlog.index', 'binlog.state', 'mysql-bin.000001', 'db1-bin.index', 'mysql_upgrade_info'],
    ...['master.info', 'relay-log.info', 'multi-master.info', 'db1-relay-bin.000002', 'ddl_recovery.log', 'tc.log'],
    ...['server.pid', 'db1.err', 'xtrabackup_info', 'backup-my.cnf', 'skybackup-incarnation.json', 'core.123'],
  ];
  for (const name of [...wanted, ...not]) writeFileSync(join(data, name), name);
  mkdirSync(join(data, 'a_schema'));
  const { carried, left } = await filesToCarryOver(data);
  expect(carried.toSorted()).toEqual(wanted.toSorted());
  expect(left).toEqual([]);
});

test('a large file is left where it is and named; a file the backup brought is not replaced', async () => {
  writeFileSync(join(data, 'old-dump.sql'), '');
  truncateSync(join(data, 'old-dump.sql'), 17 * 1024 * 1024);
  writeFileSync(join(data, 'my.cnf'), 'old');
  writeFileSync(join(data, 'ca.pem'), 'key');
  const fresh = join(folder, 'fresh');
  mkdirSync(fresh);
  writeFileSync(join(fresh, 'my.cnf'), 'new');
  const found = await filesToCarryOver(data);
  expect(found.left).toEqual(['old-dump.sql']);
  expect(await carryOver(data, fresh, found.carried)).toEqual(['ca.pem']);
  expect(readFileSync(join(fresh, 'my.cnf'), 'utf8')).toBe('new');
});

test('data files of other names are no settings, whatever their size', async () => {
  const options = { innodb_data_file_path: 'system1:20M;system2:10M:autoextend' };
  writeMarker(data, { format: 1, service_id: 's', incarnation: 'i', created_at: '2026-11-22T00:00:00Z', options });
  for (const name of ['system1', 'system2', 'system3']) writeFileSync(join(data, name), name);
  expect(await filesToCarryOver(data)).toEqual({ carried: ['system3'], left: [] });
});
