import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeDump } from '../../../src/engine/backup/dump.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { inputOf, leftovers, recordedJob, serviceOf } from './backup-world.ts';
import { allDefinitions, hardSchema } from './hard-schema.ts';

/** What the format promises: `zstd -d | mariadb`, into a server that never saw this program. */
async function importByHand(from: TestMariadbd, manifest: Manifest, into: TestMariadbd): Promise<void> {
  await execa('bash', [
    '-o',
    'pipefail',
    '-c',
    'zstd -dc "$0" | mariadb --no-defaults --socket="$1" --user=root --max-allowed-packet=1G',
    join(from.root, 'repository', manifest.objects[0].key),
    into.socket,
  ]);
}

const userTables = (sums: Record<string, number | null>): Record<string, number | null> =>
  Object.fromEntries(Object.entries(sums).filter(([name]) => !name.startsWith('mysql.')));

describe('a dump', () => {
  let server: TestMariadbd;
  let empty: TestMariadbd;
  beforeAll(async () => {
    const big = ['--max-allowed-packet=64M'];
    [server, empty] = await Promise.all([
      startMariadbd({ seed: true, tcp: true, args: big }),
      startMariadbd({ args: big }),
    ]);
    await server.sql(hardSchema);
  });
  afterAll(() => Promise.all([server.stop(), empty.stop()]));

  it('is imported by hand with public tools alone: every table, every definition and every account equal', async () => {
    const input = inputOf(server);
    const job = recordedJob();
    const [tables, definitions] = [await server.checksums(), await allDefinitions(server)];
    const manifest = await takeDump(input, job);
    expect(await input.repository.manifest('shop', input.backupId)).toEqual(manifest);
    expect(await leftovers(server)).toEqual([
      `object ${manifest.objects[0].key}`,
      `object ${manifest.objects[0].key.replace('data.sql.zst', 'manifest.json')}`,
    ]);
    expect(job.phases).toEqual(['connecting', 'copying', 'publishing']);

    await importByHand(server, manifest, empty);
    expect(userTables(await empty.checksums())).toEqual(userTables(tables));
    expect(await allDefinitions(empty)).toEqual(definitions);
    // What cannot be imported anywhere is told, and kept for reading.
    expect(job.warnings.join('\n')).toMatch(/2 views do not work on the server.*hard\.v_dead.*hard\.v_on_gone/);
    expect(job.warnings.join('\n')).toContain('shop.legacy (MyISAM)');
    const { stdout } = await execa('zstd', ['-dc', join(server.root, 'repository', manifest.objects[0].key)]);
    const comments = stdout.split('\n').filter((line) => line.startsWith('-- CREATE'));
    expect(comments).toEqual([
      expect.stringContaining('`v_dead` AS select'),
      expect.stringContaining('`v_on_gone` AS'),
    ]);
    expect(manifest.disk_bytes).toBe(Buffer.byteLength(stdout) + 1);
    await input.repository.remove('shop', input.backupId);
  });

  it('says in its manifest whose it is, of when, and what is in it', async () => {
    const input = inputOf(server);
    const manifest = await takeDump(input, recordedJob());
    const [row] = (await server.sql('SELECT @@server_id, @@version, @@gtid_binlog_pos; SHOW MASTER STATUS')).split(
      '\n',
    );
    const [serverId, version, gtid] = (row ?? '').split('\t');
    const [status] = (await server.sql('SHOW MASTER STATUS')).split('\n');
    const [file, position] = (status ?? '').split('\t');
    expect(manifest).toMatchObject({
      type: 'dump',
      method: 'mariadb-dump',
      parent: null,
      lsn: null,
      incarnation: 'first',
      binlog: { file, position: Number(position), gtid },
      server: { version, server_id: Number(serverId) },
      tool_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    expect(manifest.unfit_for_point_in_time).toBeUndefined();
    expect(gtid).toMatch(/^0-\d+-\d+$/);
    const names = manifest.tables.map((table) => `${table.schema}.${table.name} ${table.engine}`);
    expect(names).toEqual(
      expect.arrayContaining(['shop.customers InnoDB', 'shop.legacy MyISAM', 'odd name-1.t-1 ü InnoDB']),
    );
    expect(names.join()).not.toContain('mysql.');
    expect(Date.parse(manifest.point_in_time)).toBeGreaterThanOrEqual(Date.parse(manifest.started_at));
    expect(Date.parse(manifest.point_in_time)).toBeLessThanOrEqual(Date.parse(manifest.ended_at));
    await input.repository.remove('shop', input.backupId);
  });

  it('needs the grants it names, each of them, and neither a data directory nor more', async () => {
    const grants = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT', 'RELOAD', 'BINLOG MONITOR'];
    const password = `d "q\\w' #=€`;
    await server.sql(
      `CREATE USER d1@'127.0.0.1' IDENTIFIED BY '${password.replaceAll('\\', '\\\\').replaceAll("'", "''")}';
       GRANT ${grants.join(', ')} ON *.* TO d1@'127.0.0.1';`,
    );
    const file = join(server.root, 'password');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    const connection = { host: '127.0.0.1', port: server.port ?? 0, user: 'd1', password_file: file };
    const input = inputOf(server, { service: serviceOf(server, { connection, datadir: undefined }) });
    for (const grant of grants) {
      await server.sql(`REVOKE ${grant} ON *.* FROM d1@'127.0.0.1';`);
      await expect(takeDump(input, recordedJob()), grant).rejects.toMatchObject({
        code: 'privilege_missing',
        details: { missing: [grant] },
        hint: `Run on the server: GRANT ${grant} ON *.* TO 'd1'@'127.0.0.1';`,
      });
      await server.sql(`GRANT ${grant} ON *.* TO d1@'127.0.0.1';`);
    }
    const manifest = await takeDump(input, recordedJob());
    expect(manifest.tables.length).toBeGreaterThan(10);
    await input.repository.remove('shop', input.backupId);
  });

  it('is one state of the server while others write to every kind of table', async () => {
    await server.sql(`CREATE DATABASE pairs; CREATE TABLE pairs.a (id INT PRIMARY KEY) ENGINE=InnoDB;
      CREATE TABLE pairs.b (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE pairs.c (id INT PRIMARY KEY) ENGINE=MyISAM;`);
    const writer = await connect(server.connection);
    let stop = false;
    const writing = (async () => {
      for (let id = 1; !stop; id += 1) {
        await writer.query('INSERT INTO pairs.c VALUES (?)', [id]);
        await writer.raw.beginTransaction();
        await writer.query('INSERT INTO pairs.a VALUES (?)', [id]);
        await writer.query('INSERT INTO pairs.b VALUES (?)', [id]);
        await writer.raw.commit();
      }
    })();
    const input = inputOf(server);
    const manifest = await takeDump(input, recordedJob());
    stop = true;
    await writing;
    await writer.close();
    await using copy = await startMariadbd({ args: ['--max-allowed-packet=64M', '--gtid-strict-mode=0'] });
    await importByHand(server, manifest, copy);
    const [line] = (
      await copy.sql(
        'SELECT (SELECT MAX(id) FROM pairs.a), (SELECT MAX(id) FROM pairs.b), (SELECT MAX(id) FROM pairs.c)',
      )
    ).split('\n');
    const [a, b, c] = (line ?? '').split('\t').map(Number);
    expect(a).toBe(b);
    expect([a, (a ?? 0) + 1]).toContain(c);
    // The noted position is that of exactly these rows: the log up to it holds as many transactions on a.
    const binlog = manifest.binlog ?? { file: '', position: 0, gtid: '' };
    const log = await execa(findTool('mariadb-binlog'), [
      '--base64-output=decode-rows',
      '-v',
      `--stop-position=${binlog.position}`,
      join(server.datadir, binlog.file),
    ]);
    expect(log.stdout.match(/### INSERT INTO `pairs`\.`a`/g)?.length).toBe(a);
    expect(log.stdout.match(/GTID (\d+-\d+-\d+)/g)?.at(-1)).toBe(`GTID ${binlog.gtid}`);
    await server.sql('DROP DATABASE pairs');
    await input.repository.remove('shop', input.backupId);
  });

  it('of InnoDB alone locks nothing, and has no position without a binary log', async () => {
    await using plain = await startMariadbd({ args: ['--skip-log-bin'] });
    await plain.sql('CREATE DATABASE one; CREATE TABLE one.t (id INT PRIMARY KEY); INSERT INTO one.t VALUES (1);');
    const input = inputOf(plain);
    const job = recordedJob();
    const manifest = await takeDump(input, job);
    expect(manifest.binlog).toBeNull();
    expect(job.warnings.join()).not.toContain('locked');
    await importByHand(plain, manifest, empty);
    expect((await checksums(empty.connection))['one.t']).toEqual((await plain.checksums())['one.t']);
  });
});
