import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { takeBinlogBackup } from '../../../src/engine/binlog/archive.ts';
import { archivedRanges } from '../../../src/engine/binlog/archived.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { reconcileCatalogue } from '../../../src/engine/store/reconcile-catalogue.ts';
import { openState } from '../../../src/engine/store/state-store.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { backupProcesses, gatedStore, leftovers, recordedJob } from '../backup/backup-world.ts';
import { type ArchiveWorld, archiveWorld } from './archive-world.ts';

let server: TestMariadbd;
let world: ArchiveWorld;
beforeAll(async () => {
  server = await startMariadbd();
  await server.sql('CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY AUTO_INCREMENT, b LONGTEXT)');
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.sql('RESET MASTER');
  world = archiveWorld(server);
});

const write = (text = 'row'): Promise<string> => server.sql(`INSERT INTO d.t (b) VALUES ('${text}')`);
const file = (name: string): string => join(server.datadir, name);

describe('a log that is not whole', () => {
  it('is taken up to the event in which the server died, and the range goes on', async () => {
    await server.sql("INSERT INTO d.t (b) VALUES (REPEAT('x', 20000)); INSERT INTO d.t (b) VALUES ('last')");
    await server.down(false);
    const size = statSync(file('binlog.000001')).size;
    truncateSync(file('binlog.000001'), size - 10);
    await server.up();
    await write();
    const { manifest, warnings } = await world.archive();
    expect(warnings).toEqual([expect.stringContaining('binlog.000001 ends within an event')]);
    const archived = await world.bytesOf(manifest ?? expect.fail(), 'binlog.000001');
    expect(archived.length).toBeLessThan(size - 10);
    const own = readFileSync(file('binlog.000001')).subarray(0, archived.length);
    // Handed out without the mark of a file in use.
    own[4 + 17] = (own[4 + 17] ?? 0) & ~1;
    expect(archived.equals(own)).toBe(true);
    expect(manifest?.logs).toMatchObject([
      { transactions: 1, closed_at: null },
      { name: 'binlog.000002', transactions: 1, gap: null, follows: { name: 'binlog.000001' } },
    ]);
    expect(await world.names()).toBeUndefined();
  });

  it('is refused by name when it is damaged, those before it are kept, and purging it goes on with a gap', async () => {
    await server.sql(`INSERT INTO d.t (b) VALUES ('one'); FLUSH BINARY LOGS; INSERT INTO d.t (b) VALUES ('find me');
      FLUSH BINARY LOGS; INSERT INTO d.t (b) VALUES ('three')`);
    const bytes = readFileSync(file('binlog.000002'));
    const at = bytes.indexOf('find me');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file('binlog.000002'), bytes);
    const { manifest, warnings } = await world.archive();
    expect(manifest?.logs?.map(({ name }) => name)).toEqual(['binlog.000001']);
    expect(warnings).toEqual([
      expect.stringMatching(/^Archived up to binlog.000001 only: .* binlog.000002 is damaged at byte/),
    ]);
    await expect(world.archive()).rejects.toMatchObject({ code: 'backup_failed', details: { log: 'binlog.000002' } });
    await server.sql("PURGE BINARY LOGS TO 'binlog.000003'");
    const next = await world.archive();
    expect(next.manifest?.logs?.[0]).toMatchObject({ name: 'binlog.000003', gap: { kind: 'purged' } });
    expect(next.warnings.join()).toContain('take a full backup now');
  });
});

describe('a server that cannot be archived', () => {
  it('is refused when it writes no binary log', async () => {
    await using off = await startMariadbd({ args: ['--skip-log-bin'] });
    await expect(archiveWorld(off).archive()).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('log_bin is off'),
    });
  });

  it('is refused as a replica that does not log what it replicates, and warned of without checksums', async () => {
    await server.sql("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1; SET GLOBAL binlog_checksum = NONE");
    try {
      await expect(world.archive()).rejects.toMatchObject({
        message: expect.stringContaining('log_slave_updates is off'),
      });
      await server.sql('RESET SLAVE ALL');
      await write();
      expect((await world.archive()).warnings).toEqual([expect.stringContaining('binlog_checksum is NONE')]);
    } finally {
      await server.sql('RESET SLAVE ALL; SET GLOBAL binlog_checksum = CRC32');
    }
  });

  it('is told of when it is not there, or does not let us in', async () => {
    const connection = { ...server.connection, user: 'nobody' };
    await expect(archiveWorld(server, { connection }).archive()).rejects.toMatchObject({ code: 'access_denied' });
    await server.down();
    await expect(world.archive()).rejects.toMatchObject({ code: 'service_down' });
    await server.up();
  });
});

it('leaves nothing when it is cancelled midway, and nothing holds the next run up', async () => {
  await server.sql(
    'INSERT INTO d.t (b) VALUES (REPEAT(MD5(RAND()), 300000)); FLUSH BINARY LOGS; INSERT INTO d.t (b) VALUES (REPEAT(MD5(RAND()), 300000))',
  );
  const gate = gatedStore(localDirectory(join(server.root, 'repository')), 10);
  const job = recordedJob();
  const taken = takeBinlogBackup(world.input({ repository: openRepository(gate.store) }), job);
  taken.catch(() => {});
  await gate.reached;
  job.abort.abort();
  await expect(taken).rejects.toMatchObject({ code: 'cancelled' });
  expect(await leftovers(server)).toEqual([]);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`skybackup-work-${process.pid}-`))).toEqual([]);
  expect(backupProcesses()).toEqual([]);
  expect(await world.names()).toEqual(['binlog.000001', 'binlog.000002']);
});

it('finds its ranges again from the manifests alone, and only of backups that are whole', async () => {
  await write();
  await world.archive();
  await write();
  const second = await world.archive();
  await write();
  await world.archive();
  const [range] = archivedRanges(world.state, 'shop');
  expect(range).toMatchObject({ first_log: 'binlog.000001', last_log: 'binlog.000003', logs: 3 });
  const { repository } = world.input();
  const rebuilt = openState(join(server.root, 'rebuilt.db'));
  const reconcile = () =>
    reconcileCatalogue({ state: rebuilt, repository, storage: 'local', log: () => {} }, { sweepBefore: new Date(0) });
  await reconcile();
  expect(archivedRanges(rebuilt, 'shop')).toEqual([range]);
  await repository.remove('shop', second.manifest?.id ?? '');
  await reconcile();
  expect(archivedRanges(rebuilt, 'shop').map(({ first_log, last_log }) => [first_log, last_log])).toEqual([
    ['binlog.000001', 'binlog.000001'],
    ['binlog.000003', 'binlog.000003'],
  ]);
  rebuilt.close();
});
