import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../servers/mariadbd.ts';

describe('a server that is reached over TCP alone', () => {
  let daemon: TestDaemon;
  let server: TestMariadbd;
  beforeAll(async () => {
    [daemon, server] = await Promise.all([startDaemon(), startMariadbd({ seed: true, tcp: true })]);
  });
  afterAll(() => Promise.all([daemon.dispose(), server.stop()]));

  const register = (id: string, user: string, nightly?: boolean) =>
    daemon.api.daemon.registerService({
      id,
      control: { kind: 'none' },
      connection: { host: '127.0.0.1', port: server.port ?? 0, user },
      ...(nightly === undefined ? {} : { nightly }),
    });

  it('is not registered for a nightly dump that its account may not take', async () => {
    await server.sql(
      "CREATE USER poor@'127.0.0.1'; GRANT SELECT, RELOAD, BINLOG MONITOR, EVENT, SHOW VIEW ON *.* TO poor@'127.0.0.1';",
    );
    await expect(register('poor-one', 'poor')).rejects.toMatchObject({
      code: 'privilege_missing',
      hint: "Run on the server: GRANT TRIGGER ON *.* TO 'poor'@'127.0.0.1';",
    });
    await register('poor-one', 'poor', false);
  });

  it('gets a nightly dump, gives dumps once and by cron, and no full backup', async () => {
    await server.sql("CREATE USER rich@'127.0.0.1'; GRANT ALL ON *.* TO rich@'127.0.0.1';");
    await register('remote', 'rich');
    const { items } = await daemon.api.listSchedules({ service_id: 'remote' });
    expect(items).toMatchObject([
      {
        type: 'dump',
        schedule: expect.stringMatching(/^\d+ 2 \* \* \*$/),
        message: expect.stringContaining('without a data directory'),
      },
    ]);
    await expect(
      daemon.api.createSchedule({ service_id: 'remote', backup_type: 'full', schedule: 'once' }),
    ).rejects.toMatchObject({ code: 'unsupported', hint: expect.stringContaining('dump') });
    const regular = await daemon.api.createSchedule({
      service_id: 'remote',
      backup_type: 'dump',
      schedule: '0 4 * * 0',
    });
    expect(regular).toMatchObject({ type: 'dump', next_run_at: expect.any(String) });

    const once = await daemon.api.createSchedule({ service_id: 'remote', backup_type: 'dump', schedule: 'once' });
    const job = await daemon.ended(once.job_id ?? 0);
    expect(job).toMatchObject({ status: 'Succeeded' });
    expect(JSON.stringify(job)).toContain('shop.legacy (MyISAM)');
    const backup = await daemon.api.getBackup(once.backup_id ?? '');
    expect(backup).toMatchObject({
      type: 'dump',
      method: 'mariadb-dump',
      status: 'Succeeded',
      binlog_file: 'binlog.000001',
      binlog_gtid_position: expect.stringMatching(/^0-\d+-\d+$/),
    });
    const folder = join(daemon.home.repository, 'v1', 'remote', (once.backup_id ?? '').split(':')[0] ?? '');
    const marks = await execa('sh', [
      '-c',
      'zstd -dc "$0" | grep -c "^-- Dump completed"',
      join(folder, 'data.sql.zst'),
    ]);
    // Of the accounts, and of everything else.
    expect(marks.stdout).toBe('2');
  });

  it('has a dump restored onto a server of the daemon, as a logical restore', async () => {
    const own = await daemon.api.daemon.registerService({ id: 'own', control: { kind: 'managed' }, nightly: false });
    const { items } = await daemon.api.listBackups({ service_id: 'remote', page_size: 1 });
    const id = items[0]?.id ?? '';
    const lookup = { backup_id: id, service_id: 'remote' };
    expect(await daemon.api.lookupRestoreTargets(lookup)).toEqual([{ service_id: 'own', service_name: 'own' }]);
    const plan = await daemon.api.daemon.createPlan({
      operation: 'restore_backup',
      arguments: { service_id: 'own', id },
    });
    expect(plan.facts.replaced_by).toMatch(/^dump of remote, another service, taken at/);
    await daemon.api.daemon.declinePlan(plan.id, 'declined');

    const restore = await daemon.api.createRestore({ service_id: 'own', backup_id: id });
    expect(restore).toMatchObject({ type: 'logical', backup_id: id });
    expect(await daemon.ended(restore.job_id ?? 0)).toMatchObject({ status: 'Succeeded' });
    expect(await daemon.api.getRestore(restore.id)).toMatchObject({ type: 'logical', users_from: 'remote' });
    const connection = { socket: own.socket ?? '', defaults_file: join(daemon.home.services, 'own', 'client.cnf') };
    const data = (sums: Record<string, number | null>) =>
      Object.entries(sums).filter(([name]) => !name.startsWith('mysql.'));
    expect(data(await checksums(connection))).toEqual(data(await server.checksums()));
  });
});
