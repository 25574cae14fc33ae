import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sweepWorkDirectories } from '../../../src/engine/backup/work-directory.ts';
import { connect, type SqlConnection } from '../../../src/engine/mariadb/connect.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { backupProcesses } from './backup-world.ts';

describe('a backup whose process is killed', () => {
  let server: TestMariadbd;
  let holder: SqlConnection;
  beforeAll(async () => {
    server = await startMariadbd({ seed: true });
    holder = await connect(server.connection);
    await holder.query('LOCK TABLES shop.legacy WRITE');
  });
  afterAll(async () => {
    await holder.close();
    await server.stop();
  });

  it('leaves no process that waits for a lock, and what it leaves on disk is swept', async () => {
    // Work directories of its own: every backup and daemon that starts meanwhile sweeps those of the dead in the common one.
    const own = join(server.root, 'own');
    await mkdir(own);
    vi.stubEnv('TMPDIR', own);
    const repository = join(server.root, 'repository');
    const script = fileURLToPath(new URL('killed-worker.ts', import.meta.url));
    const worker = spawn(process.execPath, [script, server.socket, server.datadir, repository], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = once(worker, 'exit');
    for (let said = ''; !said.includes('waiting for lock'); ) said += String((await once(worker.stdout, 'data'))[0]);
    const tools = backupProcesses(worker.pid);
    expect(tools.map((tool) => tool.command).sort()).toEqual(['mariadb-backup', 'zstd']);
    worker.kill('SIGKILL');
    await gone;
    while (tools.some(({ pid }) => existsSync(`/proc/${pid}`))) await new Promise(setImmediate);

    // Whoever waited in the server is gone too: other DDL goes on while the lock is still held.
    const waiting = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'BACKUP STAGE%'";
    while ((await server.sql(waiting)) !== '0');
    await server.sql('CREATE TABLE shop.meanwhile (id INT);');

    const mine = `skybackup-work-${worker.pid}-`;
    expect((await readdir(tmpdir())).some((name) => name.startsWith(mine))).toBe(true);
    expect(await sweepWorkDirectories()).toBeGreaterThanOrEqual(1);
    expect((await readdir(tmpdir())).filter((name) => name.startsWith(mine))).toEqual([]);

    expect(await openRepository(localDirectory(repository)).sweep(0)).toBe(1);
    expect(await readdir(join(repository, '.incoming'))).toEqual([]);
  });
});
