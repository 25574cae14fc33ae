import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkBackupPossible, inspectServer } from '../../../src/engine/mariadb/inspect.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';

describe('looking a server over', () => {
  let server: TestMariadbd;
  beforeAll(async () => {
    server = await startMariadbd({ seed: true, tcp: true });
  });
  afterAll(() => server.stop());

  it('tells who it is and proves the process, over the socket and over TCP', async () => {
    for (const connection of [server.connection, { host: '127.0.0.1', port: server.port ?? 0, user: 'root' }]) {
      const facts = await inspectServer({ connection, datadir: server.datadir });
      expect(facts).toMatchObject({ pid: server.pid, missingPrivileges: [], obstacles: [], incarnation: undefined });
      expect(facts.version).toMatch(/^\d+\.\d+\.\d+-MariaDB/);
      expect(facts.variables.innodb_page_size).toBe('16384');
      expect(() => checkBackupPossible(facts)).not.toThrow();
    }
  });

  it('lists everything that stands against a backup, and refuses with the first', async () => {
    await server.sql("CREATE OR REPLACE USER bare@localhost IDENTIFIED BY '';");
    const facts = await inspectServer({ connection: { socket: server.socket, user: 'bare' }, datadir: '/tmp' });
    const codes = facts.obstacles.map((obstacle) => obstacle.code);
    expect(codes).toContain('wrong_data_directory');
    expect(codes).toContain('privilege_missing');
    expect(() => checkBackupPossible(facts)).toThrow(facts.obstacles[0]);
  });

  it('counts the privileges of an active role', async () => {
    await server.sql(`CREATE ROLE backup_role; GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, SELECT ON *.* TO backup_role;
      CREATE USER roled@localhost IDENTIFIED BY ''; GRANT backup_role TO roled@localhost;`);
    const look = () => inspectServer({ connection: { socket: server.socket, user: 'roled' }, datadir: server.datadir });
    expect((await look()).missingPrivileges).toEqual(['RELOAD', 'PROCESS', 'LOCK TABLES', 'BINLOG MONITOR', 'SELECT']);
    await server.sql('SET DEFAULT ROLE backup_role FOR roled@localhost;');
    expect((await look()).missingPrivileges).toEqual([]);
  });

  it('reads the incarnation that the data directory carries', async () => {
    const marker = join(server.datadir, 'skybackup-incarnation.json');
    await writeFile(
      marker,
      JSON.stringify({
        format: 1,
        service_id: 'shop',
        incarnation: 'second',
        created_at: '2026-11-22T00:00:00Z',
        options: {},
      }),
    );
    const facts = await inspectServer({ connection: server.connection, datadir: server.datadir });
    await rm(marker);
    expect(facts.incarnation).toBe('second');
  });

  it('refuses redo, undo, system and Aria logs outside of the data directory, each by its variable', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'skb-else-'));
    const directories = {
      'innodb-log-group-home-dir': join(elsewhere, 'redo'),
      'innodb-undo-directory': join(elsewhere, 'undo'),
      'innodb-data-home-dir': join(elsewhere, 'system'),
      'aria-log-dir-path': join(elsewhere, 'aria'),
    };
    for (const directory of Object.values(directories)) await mkdir(directory);
    const args = Object.entries(directories).map(([name, directory]) => `--${name}=${directory}`);
    try {
      await using odd = await startMariadbd({ args, installArgs: args });
      const facts = await inspectServer({ connection: odd.connection, datadir: odd.datadir });
      expect(facts.obstacles.map((obstacle) => obstacle.code)).toEqual(Array(4).fill('unsupported_layout'));
      expect(facts.obstacles.map((obstacle) => obstacle.details.variable)).toEqual([
        'innodb_log_group_home_dir',
        'innodb_undo_directory',
        'innodb_data_home_dir',
        'aria_log_dir_path',
      ]);
    } finally {
      await rm(elsewhere, { recursive: true, force: true });
    }
  });
});
