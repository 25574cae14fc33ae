import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { takeDump } from '../../../src/engine/backup/dump.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import type { Repository } from '../../../src/engine/repository/repository.ts';
import { importIntoRunning } from '../../../src/engine/restore/import-running.ts';
import { checkImportable } from '../../../src/engine/restore/importable.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import type { StoredService } from '../../../src/engine/store/services-table.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { backupProcesses, inputOf, type RecordedJob, recordedJob, serviceOf } from '../backup/backup-world.ts';

let source: TestMariadbd;
let server: TestMariadbd;
let dump: Manifest;
let repository: Repository;
/** Of the target, as every refusal must leave it. */
let before: Record<string, number | null>;

const ownSql = `CREATE DATABASE shop; CREATE TABLE shop.customers (id INT PRIMARY KEY); INSERT INTO shop.customers VALUES (1);
  CREATE FUNCTION shop.one() RETURNS INT DETERMINISTIC RETURN 1;`;

beforeAll(async () => {
  [source, server] = await Promise.all([startMariadbd({ seed: 12 }), startMariadbd()]);
  await Promise.all([source.sql('CREATE ROLE staff'), server.sql(ownSql)]);
  dump = await takeDump(inputOf(source), recordedJob());
  repository = openRepository(localDirectory(join(source.root, 'repository')));
  before = await server.checksums();
});
afterAll(() => Promise.all([source.stop(), server.stop()]));

function target(change: Partial<StoredService> = {}): StoredService {
  return {
    ...serviceOf(server, { id: 'target', datadir: undefined }),
    highest_gtids: '',
    server: undefined,
    lock: undefined,
    copied_from: undefined,
    ...change,
  };
}

const look = (manifest: Manifest = dump, service = target()) =>
  checkImportable(manifest, repository, service, AbortSignal.timeout(20_000));

interface Import {
  job?: RecordedJob;
  begun?: () => void;
}

function run({ job = recordedJob(), begun = () => {} }: Import = {}): Promise<void> {
  return importIntoRunning({ dump, target: target(), repository, lockWaitSeconds: 1, beforeChange: begun }, job);
}

describe('refused before anything is touched, by name', () => {
  afterEach(async () => expect(await server.checksums()).toEqual(before));

  it.each([
    ['SET GLOBAL read_only = ON', 'SET GLOBAL read_only = OFF', 'read_only of target is ON'],
    ['SET GLOBAL event_scheduler = ON', 'SET GLOBAL event_scheduler = OFF', 'event_scheduler of target is ON'],
    [
      'SET GLOBAL enforce_storage_engine = Aria',
      'SET GLOBAL enforce_storage_engine = NULL',
      'enforce_storage_engine of target is Aria',
    ],
    [
      "CHANGE MASTER TO MASTER_HOST = '192.0.2.7', MASTER_USER = 'r'",
      'RESET SLAVE ALL',
      'target follows 192.0.2.7 as a replica',
    ],
  ])('%s', async (set, back, message) => {
    await server.sql(set);
    try {
      const refusal = { code: 'unsupported', message: expect.stringContaining(message) };
      await expect(look()).rejects.toMatchObject(refusal);
      await expect(run()).rejects.toMatchObject(refusal);
    } finally {
      await server.sql(back);
    }
    expect((await look()).databases).toEqual(['shop']);
  });

  const forged: [string, (manifest: Manifest) => Manifest, Record<string, unknown>][] = [
    [
      'a row that max_allowed_packet does not let pass',
      (of) => ({ ...of, sql: { longest_line: 64 * 1024 * 1024, roles: [], unsafe_functions: [] } }),
      { code: 'unsupported', hint: 'Run on the server: SET GLOBAL max_allowed_packet = 67174400.' },
    ],
    [
      'a dump that would replace passwords',
      ({ sql: _sql, ...of }) => of,
      { code: 'unsupported', message: expect.stringContaining('would replace passwords') },
    ],
    [
      'functions that a server with a binary log does not trust',
      (of) => ({ ...of, sql: { longest_line: 0, roles: [], unsafe_functions: ['shop.lucky'] } }),
      { code: 'unsupported', message: expect.stringMatching(/log_bin_trust_function_creators.*shop\.lucky/) },
    ],
    [
      'a newer series',
      (of) => ({ ...of, server: { ...of.server, version: '12.3.1-MariaDB' } }),
      { code: 'version_mismatch', message: expect.stringContaining('target is of the older') },
    ],
    [
      'an engine that is not there',
      (of) => ({ ...of, tables: [{ schema: 'a', name: 'b', engine: 'FEDERATED', rows: 0, bytes: 0 }] }),
      { code: 'unsupported', message: expect.stringContaining('a.b (FEDERATED)') },
    ],
    [
      'time zones that only the dumped server knows',
      (of) => ({ ...of, server: { ...of.server, time_zones: true } }),
      { code: 'unsupported', hint: expect.stringContaining('mariadb-tzinfo-to-sql') },
    ],
    [
      'names that are told apart in another way',
      (of) => ({ ...of, server: { ...of.server, options: { ...of.server.options, lower_case_table_names: '1' } } }),
      { code: 'unsupported', message: expect.stringContaining('lower_case_table_names of target is 0') },
    ],
    [
      'an encrypted dump that nothing opens here',
      (of) => ({ ...of, encryption: { kind: 'age', recipients: ['age1x'] } }),
      { code: 'identity_missing', message: expect.stringContaining('age1x') },
    ],
  ];
  it.each(forged)('%s', async (_what, forge, refusal) => {
    await expect(look(forge(dump))).rejects.toMatchObject(refusal);
  });

  it('another server at that address, a wrong login, and one that is down', async () => {
    const known = { version: '10.11.1', server_id: 1, hostname: 'elsewhere' };
    await expect(look(dump, target({ server: known }))).rejects.toMatchObject({ code: 'wrong_server' });
    const wrong = { socket: server.socket, user: 'nobody' };
    await expect(look(dump, target({ connection: wrong }))).rejects.toMatchObject({ code: 'access_denied' });
    const nowhere = { socket: join(server.root, 'none'), user: 'root' };
    await expect(look(dump, target({ connection: nowhere }))).rejects.toMatchObject({ code: 'service_down' });
  });

  it('a role that is there, and that the login may not grant', async () => {
    await server.sql('CREATE ROLE staff');
    await server.sql(
      "CREATE USER imp@localhost; GRANT ALL ON *.* TO imp@localhost WITH GRANT OPTION; GRANT PROXY ON ''@'%' TO imp@localhost WITH GRANT OPTION",
    );
    const connection = { socket: server.socket, user: 'imp' };
    await expect(look(dump, target({ connection }))).rejects.toMatchObject({
      code: 'privilege_missing',
      message: expect.stringContaining('lacks ADMIN OPTION of the role `staff`.'),
      hint: expect.stringContaining("GRANT `staff` TO 'imp'@'localhost' WITH ADMIN OPTION"),
    });
    await server.sql('GRANT staff TO imp@localhost WITH ADMIN OPTION');
    expect((await look(dump, target({ connection }))).warnings).toEqual([]);
    await server.sql('DROP USER imp@localhost; DROP ROLE staff');
  });

  it('an import that still runs', async () => {
    const other = await connect(server.connection);
    await other.query("DO GET_LOCK('skybackup_import', 0)");
    await expect(look()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('earlier import'),
    });
    await other.close();
  });

  it('a session that holds a table, which is named and left alone', async () => {
    const other = await connect(server.connection);
    await other.query('LOCK TABLES shop.customers READ');
    let begun = false;
    const note = (): void => {
      begun = true;
    };
    await expect(run({ begun: note })).rejects.toMatchObject({
      code: 'lock_timeout',
      message: expect.stringMatching(
        /a lock on shop.customers within 1 s. Held up by: session \d+ of root.*tables in use: shop.customers/,
      ),
    });
    expect(begun).toBe(false);
    expect(await other.query('SELECT COUNT(*) AS n FROM shop.customers')).toEqual([{ n: 1 }]);
    await other.close();
  });
});

/** Puts the target back for the next fault. */
async function anew(): Promise<void> {
  await server.sql(
    `SET foreign_key_checks = 0; DROP DATABASE IF EXISTS shop; DROP DATABASE IF EXISTS \`odd name-1\`; ${ownSql}`,
  );
}

/** Sessions of the import, and its processes: none may be left, or it would go on behind the failure's back. */
async function expectNothingRuns(): Promise<void> {
  expect(await server.sql("SELECT IS_USED_LOCK('skybackup_import')")).toBe('NULL');
  expect(importClients()).toEqual([]);
  expect(backupProcesses()).toEqual([]);
}

function importClients(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.includes('skybackup_import') && command.includes(`skybackup-work-${process.pid}-`);
      } catch {
        return false;
      }
    });
}

describe('what fails after the first change leaves nothing running', () => {
  it('a lock that comes in between: the failure names its holder', async () => {
    await anew();
    const other = await connect(server.connection);
    await other.query('START TRANSACTION');
    await other.query('SELECT shop.one()');
    await expect(run()).rejects.toMatchObject({
      code: 'lock_timeout',
      message: expect.stringContaining('a lock in shop within 1 s. Held up by: '),
    });
    await other.close();
    await expectNothingRuns();
  });

  it('a client that is killed', async () => {
    await anew();
    const job = recordedJob();
    const work = run({ job });
    const failed = expect(work).rejects.toMatchObject({
      code: 'restore_failed',
      message: expect.stringContaining('SIGKILL'),
    });
    for (;;) {
      const [client] = importClients();
      if (client !== undefined && job.reports.length > 0) {
        process.kill(client, 'SIGKILL');
        break;
      }
      await delay(2);
    }
    await failed;
    await expectNothingRuns();
  });

  it('a cancel', async () => {
    await anew();
    const job = recordedJob((name) => {
      if (name === 'importing') setTimeout(() => job.abort.abort(), 150);
    });
    await expect(run({ job })).rejects.toMatchObject({ name: 'AbortError' });
    await expectNothingRuns();
  });

  it('a server that is killed, and one that is asked again afterwards takes the dump', async () => {
    await anew();
    const job = recordedJob();
    let killed = false;
    const watching: RecordedJob = {
      ...job,
      progress: (bytes) => {
        if (killed || bytes === 0) return;
        killed = true;
        void server.down(false);
      },
    };
    await expect(run({ job: watching })).rejects.toMatchObject({
      code: expect.stringMatching(/^(restore_failed|service_down)$/),
    });
    expect(importClients()).toEqual([]);
    await server.down();
    await server.up();
    await run();
    const tables = (sums: Record<string, number | null>) =>
      Object.entries(sums).filter(([name]) => !name.startsWith('mysql.'));
    expect(tables(await server.checksums())).toEqual(tables(await source.checksums()));
    await expectNothingRuns();
  });
});
