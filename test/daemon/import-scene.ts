import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Restore } from '../../src/contract/restores.ts';
import { backupPrivileges } from '../../src/engine/mariadb/privileges.ts';
import type { TestDaemon } from '../servers/daemon.ts';
import { startMariadbd, type TestMariadbd } from '../servers/mariadbd.ts';

/** Has tables that the seeded server has, others, and what a dump of that lacks. */
const ownSql = `
CREATE DATABASE shop; CREATE DATABASE only_here; CREATE DATABASE empty_here;
CREATE TABLE shop.customers (id INT PRIMARY KEY, note VARCHAR(20)) ENGINE=InnoDB;
CREATE TABLE shop.left_over (id INT PRIMARY KEY);
CREATE TABLE only_here.child (id INT PRIMARY KEY, customer_id INT, FOREIGN KEY (customer_id) REFERENCES shop.customers (id));
INSERT INTO shop.customers VALUES (1, 'of before'); INSERT INTO shop.left_over VALUES (1); INSERT INTO only_here.child VALUES (1, 1);
CREATE VIEW only_here.seen AS SELECT note FROM shop.customers;
CREATE PROCEDURE shop.left_behind() SELECT 1;
CREATE USER app@localhost IDENTIFIED BY 'app-secret-1'; GRANT SELECT ON only_here.* TO app@localhost;
CREATE USER reader@localhost IDENTIFIED BY 'own-reader-secret-1';
`;

export const login = 'keeper-secret-1';
const account = "keeper@'127.0.0.1'";
/** What the README has people grant, and what an import asks for besides. */
export const importGrants = `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION; GRANT PROXY ON ''@'%' TO ${account} WITH GRANT OPTION`;

/** A server that is reached over TCP alone, with the login of skybackup as the README has it. */
export async function remoteServer(sql?: string): Promise<TestMariadbd> {
  const server = await startMariadbd({ tcp: true, ...(sql === undefined ? { seed: true } : {}) });
  const grants = `GRANT ${backupPrivileges.join(', ')} ON *.* TO ${account}`;
  await server.sql(`${sql ?? ''} CREATE USER ${account} IDENTIFIED BY '${login}'; ${grants};`);
  return server;
}

export const targetServer = (): Promise<TestMariadbd> => remoteServer(ownSql);

export async function register(daemon: TestDaemon, id: string, { port = 0 }: TestMariadbd): Promise<void> {
  const password_file = join(daemon.home.root, `${id}.password`);
  writeFileSync(password_file, login, { mode: 0o600 });
  await daemon.api.daemon.registerService({
    id,
    control: { kind: 'none' },
    connection: { host: '127.0.0.1', port, user: 'keeper', password_file },
    nightly: false,
  });
}

/** Takes a backup and returns its id; undefined where there was nothing to take. */
export async function backUp(daemon: TestDaemon, service_id: string, backup_type: 'dump' | 'binarylog' = 'dump') {
  const { job_id = 0 } = await daemon.api.createSchedule({ service_id, backup_type, schedule: 'once' });
  const job = await daemon.ended(job_id);
  if (job.status !== 'Succeeded') throw new Error(`the ${backup_type} ended as ${job.status}: ${job.error?.message}`);
  return job.backup_id;
}

/** Restores, by plan and approval, and waits for the end. */
export async function importDump(daemon: TestDaemon, service_id: string, id: string, more: object = {}) {
  const plan = await daemon.api.daemon.createPlan({
    operation: 'restore_backup',
    arguments: { service_id, id, ...more },
  });
  await daemon.api.daemon.approvePlan(plan.id, { channel: 'terminal', typed_id: service_id });
  const started = await daemon.api.createRestore({ service_id, backup_id: id, plan_id: plan.id, ...more });
  return { plan, started };
}

export async function imported(daemon: TestDaemon, { id, job_id }: Restore) {
  const job = await daemon.ended(job_id ?? 0);
  return { job, restore: await daemon.api.getRestore(id) };
}

/** Of the tables alone: accounts stay. */
export async function tablesOf(server: TestMariadbd): Promise<Record<string, number | null>> {
  const sums = Object.entries(await server.checksums());
  return Object.fromEntries(sums.filter(([name]) => !name.startsWith('mysql.')));
}
