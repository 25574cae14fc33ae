import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeFullBackup } from '../../../src/engine/backup/full.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { backupProcesses, gatedStore, inputOf, leftovers, recordedJob, serviceOf } from './backup-world.ts';
import { restoreByHand } from './restore-by-hand.ts';

describe('a full backup', () => {
  let server: TestMariadbd;
  beforeAll(async () => {
    server = await startMariadbd({ seed: 20, tcp: true });
  });
  afterAll(() => server.stop());

  it('is restored by hand with public tools alone, every table equal', async () => {
    const input = inputOf(server);
    const job = recordedJob();
    const before = await server.checksums();
    const manifest = await takeFullBackup(input, job);

    expect(await input.repository.manifest('shop', input.backupId)).toEqual(manifest);
    expect(await leftovers(server)).toEqual([
      `object ${manifest.objects[0].key}`,
      `object ${manifest.objects[0].key.replace('data.xbstream.zst', 'manifest.json')}`,
    ]);
    expect(job.phases).toEqual(['connecting', 'copying', 'publishing']);
    expect(job.warnings).toEqual([]);

    await using restored = await restoreByHand(join(server.root, 'repository', manifest.objects[0].key), manifest);
    expect(await checksums(restored.connection)).toEqual(before);
    await input.repository.remove('shop', input.backupId);
  });

  it('says in its manifest whose it is, of when, and what is in it', async () => {
    const input = inputOf(server);
    const manifest = await takeFullBackup(input, recordedJob());
    const [row] = (await server.sql('SELECT @@server_id, @@hostname, @@version, @@gtid_binlog_pos')).split('\n');
    const [serverId, hostname, version, gtid] = (row ?? '').split('\t');
    expect(manifest).toMatchObject({
      id: input.backupId,
      service_id: 'shop',
      server_pod: 'shop-0',
      incarnation: 'first',
      parent: null,
      lsn: { from: '0', to: expect.stringMatching(/^\d+$/), last: expect.stringMatching(/^\d+$/) },
      binlog: { file: 'binlog.000001', position: expect.any(Number), gtid },
      server: { version, server_id: Number(serverId), hostname },
    });
    expect(manifest.server.options).toMatchObject({ innodb_page_size: '16384', lower_case_table_names: '0' });
    expect(manifest.disk_bytes).toBeGreaterThan(manifest.objects[0].bytes);
    expect(Date.parse(manifest.point_in_time)).toBeGreaterThanOrEqual(Date.parse(manifest.started_at));
    expect(Date.parse(manifest.point_in_time)).toBeLessThanOrEqual(Date.parse(manifest.ended_at));
    const names = manifest.tables.map((table) => `${table.schema}.${table.name} ${table.engine}`);
    expect(names).toEqual(
      expect.arrayContaining([
        'shop.customers InnoDB',
        'shop.settings Aria',
        'shop.legacy MyISAM',
        'shop.prices InnoDB',
        'shop.numbers InnoDB',
        'odd name-1.t-1 ü InnoDB',
        'mysql.global_priv Aria',
      ]),
    );
    expect(names.join()).not.toContain('big_orders');
    const legacy = manifest.tables.find((table) => table.name === 'legacy');
    expect(legacy).toMatchObject({ schema: 'shop', engine: 'MyISAM', rows: 200, bytes: expect.any(Number) });
    expect(legacy?.bytes).toBeGreaterThan(200 * 32);
    await input.repository.remove('shop', input.backupId);
  });

  it('is one state of the server while others write to every kind of table', async () => {
    const writer = await connect(server.connection);
    await writer.query('CREATE TABLE shop.pair_a (id INT PRIMARY KEY) ENGINE=InnoDB');
    await writer.query('CREATE TABLE shop.pair_b (id INT PRIMARY KEY) ENGINE=InnoDB');
    let stop = false;
    const writing = (async () => {
      for (let id = 1; !stop; id += 1) {
        await writer.raw.beginTransaction();
        await writer.query('INSERT INTO shop.pair_a VALUES (?)', [id]);
        await writer.query('INSERT INTO shop.pair_b VALUES (?)', [id]);
        await writer.raw.commit();
        await writer.query('REPLACE INTO shop.settings VALUES (?, ?)', ['now', String(id)]);
        await writer.query('REPLACE INTO shop.legacy VALUES (1, ?)', [String(id)]);
      }
    })();
    const input = inputOf(server);
    const manifest = await takeFullBackup(input, recordedJob());
    stop = true;
    await writing;
    await writer.close();
    await using restored = await restoreByHand(join(server.root, 'repository', manifest.objects[0].key), manifest);
    const copy = await connect(restored.connection);
    const [pairs] = await copy.query<{ a: number; b: number }>(
      'SELECT (SELECT MAX(id) FROM shop.pair_a) AS a, (SELECT MAX(id) FROM shop.pair_b) AS b',
    );
    const checks = await copy.query<{ Msg_text: string }>(
      'CHECK TABLE shop.pair_a, shop.pair_b, shop.settings, shop.legacy',
    );
    await copy.close();
    expect(pairs?.a).toBeGreaterThan(0);
    expect(pairs?.a).toBe(pairs?.b);
    expect(checks.map((check) => check.Msg_text)).toEqual(['OK', 'OK', 'OK', 'OK']);
    await server.sql('DROP TABLE shop.pair_a; DROP TABLE shop.pair_b;');
    await input.repository.remove('shop', input.backupId);
  });

  it('counts the bytes that went through the pipe, and hides the password from the process list', async () => {
    const password = `p "q\\w' #=€${'x'.repeat(10)}`;
    await server.sql(
      `CREATE USER b1@'127.0.0.1' IDENTIFIED BY '${password.replaceAll('\\', '\\\\').replaceAll("'", "''")}';
       GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, SELECT ON *.* TO b1@'127.0.0.1';`,
    );
    const file = join(server.root, 'password');
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    const store = localDirectory(join(server.root, 'repository'));
    const gate = gatedStore(store);
    const connection = { host: '127.0.0.1', port: server.port ?? 0, user: 'b1', password_file: file };
    const input = inputOf(server, {
      service: serviceOf(server, { connection }),
      repository: openRepository(gate.store),
    });
    const counted = Promise.withResolvers<void>();
    const job = recordedJob();
    const taking = takeFullBackup(input, {
      ...job,
      progress: (bytes, total) => {
        job.progress(bytes, total);
        if (bytes > 0) counted.resolve();
      },
    });
    await gate.reached;
    await counted.promise;
    const processes = backupProcesses();
    expect(processes.map((found) => found.command).sort()).toEqual(['mariadb-backup', 'zstd']);
    for (const { pid } of processes) {
      const shown = (await readFile(`/proc/${pid}/cmdline`, 'utf8')) + (await readFile(`/proc/${pid}/environ`, 'utf8'));
      expect(shown).not.toContain(password.slice(0, 6));
      expect(shown).not.toContain('xxxxxxxxxx');
    }
    gate.open();
    const manifest = await taking;
    const [, total] = job.reports[0] ?? [0, 0];
    expect(total).toBeGreaterThan(manifest.disk_bytes * 0.7);
    expect(total).toBeLessThan(manifest.disk_bytes * 1.3);
    expect(job.reports.at(-1)?.[0]).toBeLessThanOrEqual(manifest.disk_bytes);
    await input.repository.remove('shop', input.backupId);
  });

  it('logs in by a defaults file as well', async () => {
    await server.sql(`CREATE USER b2@localhost IDENTIFIED BY 'a#b"c\\\\d';
      GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, SELECT ON *.* TO b2@localhost;`);
    const file = join(server.root, 'client.cnf');
    await writeFile(file, `[client]\nuser = b2\npassword = "a#b\\"c\\\\d"\nsocket = ${server.socket}\n`, {
      mode: 0o600,
    });
    const input = inputOf(server, { service: serviceOf(server, { connection: { defaults_file: file } }) });
    const manifest = await takeFullBackup(input, recordedJob());
    expect(manifest.tables.length).toBeGreaterThan(10);
    await input.repository.remove('shop', input.backupId);
  });

  it('of a server with other pages, several system files, undo tablespaces and no binary log is restored too', async () => {
    const odd = [
      '--innodb-page-size=8k',
      '--innodb-data-file-path=one:10M;two:10M:autoextend',
      '--innodb-undo-tablespaces=3',
    ];
    await using other = await startMariadbd({
      seed: true,
      args: [...odd, '--skip-log-bin', '--lower-case-table-names=1', '--character-set-server=utf8mb4'],
      installArgs: odd,
    });
    const before = await other.checksums();
    const manifest = await takeFullBackup(inputOf(other), recordedJob());
    expect(manifest.binlog).toBeNull();
    expect(manifest.server.options).toMatchObject({
      innodb_page_size: '8192',
      innodb_data_file_path: 'one:10M;two:10M:autoextend',
      lower_case_table_names: '1',
      character_set_server: 'utf8mb4',
    });
    await using restored = await restoreByHand(join(other.root, 'repository', manifest.objects[0].key), manifest);
    expect(await checksums(restored.connection)).toEqual(before);
  });

  it('warns of tables whose rows are not in it, and of data put back by hand', async () => {
    await server.sql('CREATE TABLE shop.volatile (id INT) ENGINE=MEMORY;');
    await mkdir(join(server.datadir, 'x'), { recursive: true });
    await writeFile(
      join(server.datadir, 'skybackup-incarnation.json'),
      JSON.stringify({
        format: 1,
        service_id: 'shop',
        incarnation: 'other',
        created_at: '2026-11-22T00:00:00Z',
        options: {},
      }),
    );
    const job = recordedJob();
    const input = inputOf(server);
    await takeFullBackup(input, job);
    expect(job.warnings.join('\n')).toContain('shop.volatile (MEMORY)');
    expect(job.warnings.join('\n')).toContain('replaced outside of skybackup');
    await input.repository.remove('shop', input.backupId);
    await execa('rm', ['-r', join(server.datadir, 'x'), join(server.datadir, 'skybackup-incarnation.json')]);
  });
});
