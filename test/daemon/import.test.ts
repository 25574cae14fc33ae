import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findTool } from '../../src/engine/mariadb/tools.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import type { TestMariadbd } from '../servers/mariadbd.ts';
import {
  backUp,
  importDump,
  imported,
  importGrants,
  register,
  remoteServer,
  tablesOf,
  targetServer,
} from './import-scene.ts';

let daemon: TestDaemon;
let source: TestMariadbd;
let target: TestMariadbd;
let dump: string;
/** Of the target, before anything. */
let before: Record<string, number | null>;
let safety: string;

beforeAll(async () => {
  [daemon, source, target] = await Promise.all([startDaemon(), remoteServer(), targetServer()]);
  await source.sql(`
    CREATE ROLE boss; GRANT SELECT ON shop.* TO boss; CREATE USER fresh@localhost IDENTIFIED BY 'fresh-secret-1'; GRANT boss TO fresh@localhost;
    CREATE DEFINER=reader@localhost VIEW shop.names AS SELECT name FROM shop.customers;
    CREATE DATABASE bare; CREATE TABLE \`odd name-1\`.away (id INT PRIMARY KEY, customer_id INT, FOREIGN KEY (customer_id) REFERENCES shop.customers (id));
    INSERT INTO \`odd name-1\`.away VALUES (1, 2);
    GRANT INSERT ON shop.* TO keeper@'127.0.0.1'; GRANT boss TO keeper@'127.0.0.1'; SET DEFAULT ROLE boss FOR keeper@'127.0.0.1';`);
  await register(daemon, 'source', source);
  await register(daemon, 'target', target);
  dump = (await backUp(daemon, 'source')) ?? '';
  before = await tablesOf(target);
});
afterAll(() => Promise.all([daemon.dispose(), source.stop(), target.stop()]));

const asked = { operation: 'restore_backup' as const };
const targets = async (): Promise<string[]> =>
  (await daemon.api.lookupRestoreTargets({ backup_id: dump, service_id: 'source' })).map(
    ({ service_id }) => service_id,
  );
const logsIn = (user: string, password: string): Promise<boolean> =>
  execa(findTool('mariadb'), [
    '--no-defaults',
    `--socket=${target.socket}`,
    `--user=${user}`,
    `--password=${password}`,
    '-e',
    'SELECT 1',
  ]).then(
    () => true,
    () => false,
  );

it("is refused with the backup account's grants, naming each that lacks and how to give it, and not offered", async () => {
  const plan = daemon.api.daemon.createPlan({ ...asked, arguments: { service_id: 'target', id: dump } });
  const refusal = await plan.catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    code: 'privilege_missing',
    message: expect.stringMatching(
      /keeper.* lacks ALTER, .*CREATE USER, .*DROP, .*SUPER, .*GRANT OPTION, PROXY ON ''@'%'/,
    ),
    hint: expect.stringContaining(
      "GRANT ALL PRIVILEGES ON *.* TO 'keeper'@'127.0.0.1' WITH GRANT OPTION; GRANT PROXY ON ''@'%' TO 'keeper'@'127.0.0.1' WITH GRANT OPTION",
    ),
  });
  expect(await targets()).toEqual([]);
  await target.sql(importGrants);
  expect(await targets()).toEqual(['target']);
});

it('is refused with a moment to roll forward to, and names the way round', async () => {
  await source.sql("INSERT INTO shop.audit (what) VALUES ('after the dump'); DELETE FROM shop.audit");
  await backUp(daemon, 'source', 'binarylog');
  const gtid = await source.sql('SELECT @@GLOBAL.gtid_binlog_pos');
  await expect(
    daemon.api.daemon.createPlan({ ...asked, arguments: { service_id: 'target', id: dump, gtid } }),
  ).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('no binary logs can be rolled forward'),
    hint: expect.stringContaining('new service'),
  });
});

it('says in the plan that it is not atomic, what is dropped, what stays, and how to go back', async () => {
  const { facts } = await daemon.api.daemon.createPlan({ ...asked, arguments: { service_id: 'target', id: dump } });
  expect(facts).toMatchObject({
    confirm_id: 'target',
    replaced: 'the databases empty_here, only_here, shop',
    replaced_by: expect.stringMatching(/^dump of source, another service, taken at/),
    expected_downtime: expect.stringContaining('none'),
    undo: expect.stringContaining('Before the first change a dump of target is taken'),
  });
  expect(facts.lost[0]).toBe('Databases of which the dump has no table: empty_here, only_here.');
  expect(facts.keeps?.join(' ')).toContain('every account that target has, with its password');
  const warnings = facts.warnings.join('\n');
  expect(warnings).toContain('not atomic');
  expect(warnings).toContain('written to the binary log of target');
  const without = await daemon.api.daemon.createPlan({
    ...asked,
    arguments: { service_id: 'target', id: dump, safety_dump: false },
  });
  expect(without.facts.undo).toContain('declined');
  expect(without.id).not.toBe(
    (await daemon.api.daemon.createPlan({ ...asked, arguments: { service_id: 'target', id: dump } })).id,
  );
});

it('makes the running server hold what the dump holds, and nothing else but its accounts', async () => {
  // Without a dump that they roll forward, logs would not be kept.
  await backUp(daemon, 'target');
  await backUp(daemon, 'target', 'binarylog');
  await target.sql("UPDATE shop.customers SET note = 'seconds ago'");
  before = await tablesOf(target);
  const { started } = await importDump(daemon, 'target', dump);
  const { job, restore } = await imported(daemon, started);
  expect(job.error).toBeUndefined();
  expect(restore).toMatchObject({ status: 'Succeeded', type: 'logical', import: 'begun' });
  expect(restore.warnings).toEqual([
    expect.stringContaining('The login of skybackup on target: "REVOKE `boss` FROM `keeper`@`127.0.0.1`" was refused'),
  ]);
  safety = restore.safety_backup_id ?? '';
  expect(restore.message).toContain(`restore its safety dump ${safety} onto target`);
  expect(await daemon.api.getBackup(safety)).toMatchObject({ type: 'dump', status: 'Succeeded', service_id: 'target' });

  expect(await tablesOf(target)).toEqual(await tablesOf(source));
  const same = `
    SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA ORDER BY 1;
    SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema') ORDER BY 1, 2;
    SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA <> 'sys' ORDER BY 1, 2;
    SELECT TRIGGER_SCHEMA, TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA <> 'sys' ORDER BY 1, 2;
    SELECT EVENT_SCHEMA, EVENT_NAME, EVENT_DEFINITION FROM information_schema.EVENTS ORDER BY 1, 2;
    SELECT CONSTRAINT_SCHEMA, TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS ORDER BY 1, 2;
    SELECT * FROM shop.big_orders ORDER BY 1; SELECT * FROM shop.names ORDER BY 1; SELECT id, price FROM shop.prices FOR SYSTEM_TIME ALL ORDER BY 1, 2;`;
  expect(await target.sql(same)).toBe(await source.sql(same));
});

it('locks nobody out: accounts of before keep their passwords, and those of the dump are there besides', async () => {
  expect(await logsIn('app', 'app-secret-1')).toBe(true);
  expect(await logsIn('reader', 'own-reader-secret-1')).toBe(true);
  expect(await logsIn('fresh', 'fresh-secret-1')).toBe(true);
  expect(await target.sql('SHOW GRANTS FOR reader@localhost')).toContain(
    'GRANT SELECT ON `shop`.* TO `reader`@`localhost`',
  );
  // The dump has an account of the very name of skybackup's login, with a grant and a role more.
  expect(await target.sql("SHOW GRANTS FOR keeper@'127.0.0.1'")).not.toMatch(/shop|DEFAULT ROLE/);
  expect(await target.sql("SELECT user FROM mysql.user WHERE user = 'mariadb_dump_import_role'")).toBe('');
});

it('is in the binary log, whose archive begins anew with it and takes no log twice', async () => {
  const earlier = await daemon.api.listBackups({
    service_id: 'target',
    status: 'Succeeded',
    order: 'asc',
    page_size: 20,
  });
  const logs = earlier.items.filter(({ type }) => type === 'binarylog').map(({ binlog_file }) => binlog_file);
  // One by itself, and one of the moment before the first change.
  expect(logs.toSorted()).toEqual(['binlog.000001', 'binlog.000002']);
  const id = (await backUp(daemon, 'target', 'binarylog')) ?? '';
  const folder = join(daemon.home.repository, 'v1', 'target', id.split(':')[0] ?? '');
  expect(readdirSync(folder).sort()).toEqual(['binlog.000003.zst', 'manifest.json']);
  const decoded = await target.sql("SHOW BINLOG EVENTS IN 'binlog.000003' LIMIT 30");
  expect(decoded).toContain('DROP DATABASE IF EXISTS `empty_here`');
});

it('has no undo, and its safety dump is the way back', async () => {
  const { items } = await daemon.api.listRestores({ service_id: 'target', page_size: 1, order: 'desc' });
  await expect(
    daemon.api.daemon.createPlan({ operation: 'undo_restore', arguments: { id: items[0]?.id ?? 0 } }),
  ).rejects.toMatchObject({ code: 'nothing_to_undo', hint: expect.stringContaining(safety) });

  const { started } = await importDump(daemon, 'target', safety, { safety_dump: false });
  const { job, restore } = await imported(daemon, started);
  expect(job.error).toBeUndefined();
  expect(restore.safety_backup_id).toBeUndefined();
  expect(restore.message).toContain('No safety dump was taken');
  expect(await tablesOf(target)).toEqual(before);
  expect(await target.sql('SELECT note FROM only_here.seen; SHOW DATABASES')).toBe(
    ['seconds ago', 'empty_here', 'information_schema', 'mysql', 'only_here', 'performance_schema', 'shop', 'sys'].join(
      '\n',
    ),
  );
  expect(await target.sql("SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'shop'")).toBe(
    'left_behind',
  );
});

it('a new dump and new logs lead on from there', async () => {
  await backUp(daemon, 'target');
  await target.sql("INSERT INTO shop.customers VALUES (2, 'later')");
  await backUp(daemon, 'target', 'binarylog');
  const windows = await daemon.api.lookupRecoveryWindows();
  expect(windows.filter(({ service_id }) => service_id === 'target').length).toBeGreaterThan(0);
  expect(daemon.processes()).toEqual([]);
});
