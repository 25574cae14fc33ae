import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { homeOf } from '../../../src/contract/home.ts';
import { archivedRanges } from '../../../src/engine/binlog/archived.ts';
import { systemClock } from '../../../src/engine/clock.ts';
import { coverage } from '../../../src/engine/health/coverage.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import { Storages } from '../../../src/engine/storages/storages.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { type ArchiveWorld, archiveWorld } from './archive-world.ts';

let server: TestMariadbd;
let world: ArchiveWorld;
beforeAll(async () => {
  server = await startMariadbd({ tcp: true });
  await server.sql('CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY AUTO_INCREMENT, b LONGTEXT)');
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.sql('RESET MASTER');
  world = archiveWorld(server);
});

const write = (count = 1): Promise<string> => server.sql("INSERT INTO d.t (b) VALUES ('row');".repeat(count));
const state = (): Promise<string> => server.sql('SELECT @@gtid_binlog_state');

describe('archiving binary logs', () => {
  it('ships every closed log once, byte for byte, and says what is in it', async () => {
    await server.sql(`
      INSERT INTO d.t (b) VALUES ('one'); FLUSH BINARY LOGS;
      INSERT INTO d.t (b) VALUES (REPEAT(MD5(1), 100000)); SET gtid_domain_id = 7; INSERT INTO d.t (b) VALUES ('two');
      FLUSH BINARY LOGS; SET server_id = 4711; INSERT INTO d.t (b) VALUES ('three'); CREATE TABLE d.u (a INT); DROP TABLE d.u`);
    const expected = await state();
    const { manifest, warnings } = await world.archive();
    expect(warnings).toEqual([]);
    if (manifest?.logs === undefined) throw new Error('no logs');
    const names = ['binlog.000001', 'binlog.000002', 'binlog.000003'];
    expect(manifest.logs.map(({ name }) => name)).toEqual(names);
    for (const { name, bytes } of manifest.logs) {
      const file = readFileSync(join(server.datadir, name));
      const archived = await world.bytesOf(manifest, name);
      expect(bytes).toBe(file.length);
      expect(archived.equals(file), name).toBe(true);
    }
    expect(manifest.logs[0]).toMatchObject({ gtids_before: '', transactions: 1, follows: null, gap: null });
    expect(manifest.logs[1]).toMatchObject({
      gtids_before: manifest.logs[0]?.gtids_after,
      transactions: 2,
      follows: { backup_id: manifest.id, name: 'binlog.000001' },
    });
    expect(manifest.logs[2]).toMatchObject({ gtids_after: expected, transactions: 3 });
    expect(manifest.binlog?.gtid).toBe(await server.sql('SELECT @@gtid_binlog_pos'));
    expect(manifest).toMatchObject({
      type: 'binarylog',
      method: 'mariadb-binlog',
      binlog: { file: 'binlog.000003', position: manifest.logs[2]?.bytes },
      point_in_time: manifest.logs[2]?.last_event_at,
      disk_bytes: manifest.logs.reduce((sum, { bytes }) => sum + bytes, 0),
    });
  });

  it('agrees with what mariadb-binlog makes of the same logs, checksums verified', async () => {
    await write(3);
    await server.sql(
      'SET gtid_domain_id = 2; INSERT INTO d.t (b) VALUES (1); CREATE TABLE d.w (a INT); DROP TABLE d.w',
    );
    const { manifest } = await world.archive();
    const log = manifest?.logs?.[0];
    const args = ['--no-defaults', '--verify-binlog-checksum', join(server.datadir, 'binlog.000001')];
    const { stdout } = await execa(findTool('mariadb-binlog'), args, { env: { TZ: 'UTC' } });
    const gtids = [...stdout.matchAll(/^#.*\tGTID (\d+-\d+-\d+)/gm)].map(([, gtid]) => gtid);
    expect(log?.transactions).toBe(gtids.length);
    expect(log?.gtids_after.split(',')).toEqual([gtids[2], gtids.at(-1)]);
    expect(log?.closed_at?.slice(11, 19)).toBe(
      /^#\d{6} +(\d+:\d\d:\d\d).*\tRotate to/m.exec(stdout)?.[1]?.padStart(8, '0'),
    );
  });

  it('takes over TCP what it takes over a socket', async () => {
    await server.sql(
      "CREATE OR REPLACE USER b@'127.0.0.1' IDENTIFIED BY 'p\"\\\\ w'; GRANT RELOAD, BINLOG MONITOR, REPLICATION SLAVE ON *.* TO b@'127.0.0.1'",
    );
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(server.root, 'pw'), 'p"\\ w\n', { mode: 0o600 });
    const remote = archiveWorld(server, {
      connection: { host: '127.0.0.1', port: server.port ?? 0, user: 'b', password_file: join(server.root, 'pw') },
    });
    expect(await remote.names()).toEqual(['binlog.000001']);
    await server.sql("REVOKE REPLICATION SLAVE ON *.* FROM b@'127.0.0.1'");
    await expect(remote.archive()).rejects.toMatchObject({
      code: 'privilege_missing',
      hint: expect.stringContaining('GRANT REPLICATION SLAVE ON'),
    });
  });

  it('rotates only when something was written, and finds nothing new then', async () => {
    await write();
    expect(await world.names()).toEqual(['binlog.000001']);
    // Names only: the server notes a checkpoint in its newest log whenever it likes.
    const names = async () => (await server.sql('SHOW BINARY LOGS')).replace(/\t\d+/g, '');
    const before = await names();
    expect(await world.names()).toBeUndefined();
    expect(await world.names()).toBeUndefined();
    expect(await names()).toBe(before);
    await server.down();
    await server.up();
    // The restart closed one; nothing is written in the new one.
    expect(await world.names()).toEqual(['binlog.000002']);
    expect(await world.names()).toBeUndefined();
  });

  it('goes on over runs, restarts and crashes as one range', async () => {
    await write();
    const first = await world.archive();
    await write(2);
    await server.down();
    await server.up();
    await write(2);
    await server.down(false);
    await server.up();
    await write();
    const { manifest, warnings } = await world.archive();
    expect(warnings).toEqual([]);
    expect(manifest?.logs?.[0]?.follows).toEqual({ backup_id: first.manifest?.id, name: 'binlog.000001' });
    const [range, ...others] = archivedRanges(world.state, 'shop');
    expect(others).toEqual([]);
    expect(range).toMatchObject({
      first_log: 'binlog.000001',
      gap: undefined,
      gtids_before: '',
      gtids_after: await state(),
    });
  });

  it('tells a purged gap and begins a new range', async () => {
    await write();
    await world.archive();
    await server.sql(
      'INSERT INTO d.t (b) VALUES (1); FLUSH BINARY LOGS; INSERT INTO d.t (b) VALUES (1); FLUSH BINARY LOGS; INSERT INTO d.t (b) VALUES (1)',
    );
    await server.sql("PURGE BINARY LOGS TO 'binlog.000004'");
    const { manifest, warnings } = await world.archive();
    expect(manifest?.logs?.map(({ name }) => name)).toEqual(['binlog.000004']);
    expect(manifest?.logs?.[0]).toMatchObject({ follows: null, gap: { kind: 'purged' } });
    expect(warnings.join()).toMatch(/^2 binary logs after binlog.000001 were purged before they were archived/);
    expect(archivedRanges(world.state, 'shop').map(({ gap }) => gap?.kind)).toEqual([undefined, 'purged']);
    world.state.services.add(world.service);
    const context = {
      home: homeOf({ SKYBACKUP_HOME: join(server.root, 'home') }),
      state: world.state,
      clock: systemClock,
    };
    expect(
      coverage({ state: world.state, storages: new Storages(context), clock: systemClock }, 'shop').services[0],
    ).toMatchObject({
      binlog_gap: { detail: expect.stringContaining('were purged') },
      reasons: expect.arrayContaining([expect.objectContaining({ code: 'binlog_gap' })]),
    });
  });

  it('goes on without a gap when only archived logs were purged', async () => {
    await write();
    await world.archive();
    await server.sql("PURGE BINARY LOGS TO 'binlog.000002'");
    await write();
    expect((await world.archive()).manifest?.logs?.[0]).toMatchObject({ name: 'binlog.000002', gap: null });
    expect(archivedRanges(world.state, 'shop')).toHaveLength(1);
  });

  it.each([
    ['with fewer logs', 2, async () => {}],
    [
      'with as many logs and transactions',
      1,
      async () => {
        await write();
        await server.sql('FLUSH BINARY LOGS');
      },
    ],
    [
      'with more logs',
      1,
      async () => {
        await server.sql(
          'INSERT INTO d.t (b) VALUES (1); FLUSH BINARY LOGS; INSERT INTO d.t (b) VALUES (1); FLUSH BINARY LOGS',
        );
      },
    ],
  ])('sees a RESET MASTER %s, and begins a new range', async (_, runs, then) => {
    for (let run = 0; run < runs; run += 1) {
      await write();
      await world.archive();
    }
    // Opening times are whole seconds.
    await expect
      .poll(async () => server.sql('SELECT NOW()'), { timeout: 3000 })
      .not.toBe(await server.sql('SELECT NOW()'));
    await server.sql('RESET MASTER');
    await write();
    await then();
    const { manifest, warnings } = await world.archive();
    expect(manifest?.logs?.[0]).toMatchObject({ name: 'binlog.000001', follows: null, gap: { kind: 'reset' } });
    expect(warnings.join()).toContain('RESET MASTER');
    expect(archivedRanges(world.state, 'shop')).toHaveLength(2);
    await write();
    expect((await world.archive()).warnings).toEqual([]);
    expect(archivedRanges(world.state, 'shop')).toHaveLength(2);
  });

  it('begins a new range in a new incarnation, and goes on in it', async () => {
    await write();
    await world.archive();
    world.service.incarnation = 'second';
    await write();
    const { manifest, warnings } = await world.archive();
    expect(manifest?.logs?.[0]).toMatchObject({ name: 'binlog.000001', gap: { kind: 'incarnation' } });
    expect(warnings).toEqual([]);
    await write();
    expect((await world.archive()).manifest?.logs?.[0]).toMatchObject({ name: 'binlog.000003', gap: null });
    expect(archivedRanges(world.state, 'shop').map(({ incarnation }) => incarnation)).toEqual(['first', 'second']);
  });

  it('keeps forged times between the opening and closing of their log', async () => {
    await server.sql(
      'SET timestamp = 1; INSERT INTO d.t (b) VALUES (1); SET timestamp = 4000000000; INSERT INTO d.t (b) VALUES (2)',
    );
    const log = (await world.archive()).manifest?.logs?.[0];
    expect(log?.first_event_at).toBe(log?.opened_at);
    expect(log?.last_event_at).toBe(log?.closed_at);
  });

  it('reads no note out of what a statement says', async () => {
    const forged = '#261122 10:00:00 server id 1  end_log_pos 500 CRC32 0x00000000 \tGTID 9-9-999 trans';
    await server.sql(
      `CREATE PROCEDURE d.p() BEGIN SELECT 1; /*\n${forged}\n*/ END`
        .replaceAll(';', ' ;')
        .replace('SELECT 1 ;', "SELECT 'x' ;")
        .replace(/^/, 'DELIMITER //\n')
        .concat('//\n'),
    );
    const log = (await world.archive()).manifest?.logs?.[0];
    expect(log?.transactions).toBe(1);
    expect(log?.gtids_after).toBe(await state());
    await server.sql('DROP PROCEDURE d.p');
  });
});
