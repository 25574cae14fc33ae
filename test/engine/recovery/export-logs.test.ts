import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import { exportLogs } from '../../../src/engine/recovery/export-logs.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { type ArchiveWorld, archiveWorld } from '../binlog/archive-world.ts';

let server: TestMariadbd;
let other: TestMariadbd;
let world: ArchiveWorld;
beforeAll(async () => {
  [server, other] = await Promise.all([startMariadbd(), startMariadbd({ args: ['--gtid-strict-mode=0'] })]);
  world = archiveWorld(server);
  await server.sql('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1);');
  await world.archive();
  await server.sql('INSERT INTO d.t VALUES (2); FLUSH BINARY LOGS; INSERT INTO d.t VALUES (3);');
  await world.archive();
});
afterAll(async () => {
  await server.stop();
  await other.stop();
});

const exported = (name: string, fromGtid?: string) =>
  exportLogs(
    world.input().repository,
    { serviceId: 'shop', directory: join(server.root, name), fromGtid },
    AbortSignal.timeout(20_000),
  );

it("exported logs are the server's own files, and another server is brought up to date with them", async () => {
  const { logs, directory, index, from_gtid, until_gtid } = await exported('whole');
  expect(logs.map(({ name }) => name)).toEqual(['binlog.000001', 'binlog.000002', 'binlog.000003']);
  for (const { name } of logs) {
    expect(readFileSync(join(directory, name))).toEqual(readFileSync(join(server.datadir, name)));
  }
  expect(readFileSync(join(directory, index), 'utf8')).toBe('./binlog.000001\n./binlog.000002\n./binlog.000003\n');
  expect(from_gtid).toBe('');
  expect(until_gtid).toBe(await server.sql('SELECT @@gtid_binlog_pos'));
  const files = logs.map(({ name }) => join(directory, name));
  const { stdout } = await execa(findTool('mariadb-binlog'), [
    '--no-defaults',
    `--stop-position=${until_gtid}`,
    ...files,
  ]);
  await other.sql(stdout);
  expect(await other.sql('SELECT GROUP_CONCAT(id ORDER BY id) FROM d.t')).toBe('1,2,3');
});

it('leaves out the logs before a position, writes over nothing, and says when there is nothing', async () => {
  const { logs } = await exported('whole-again');
  const later = await exported('later', logs[0]?.gtids_after);
  expect(later.logs.map(({ name }) => name)).toEqual(['binlog.000002', 'binlog.000003']);
  expect(later.from_gtid).toBe(logs[0]?.gtids_after);
  await expect(exported('later')).rejects.toMatchObject({ code: 'conflict' });
  expect(readdirSync(join(server.root, 'later'))).toHaveLength(3);
  await expect(exported('none', later.until_gtid)).rejects.toMatchObject({ code: 'not_found' });
});
