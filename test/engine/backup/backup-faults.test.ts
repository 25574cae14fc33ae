import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SkybackupError } from '../../../src/contract/errors.ts';
import { type FullBackupInput, takeFullBackup } from '../../../src/engine/backup/full.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import type { ObjectStore } from '../../../src/engine/storage/object-store.ts';
import { failure } from '../../failure.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import {
  backupProcesses,
  gatedStore,
  inputOf,
  leftovers,
  type RecordedJob,
  recordedJob,
  serviceOf,
} from './backup-world.ts';

describe('a full backup that cannot be', () => {
  let server: TestMariadbd;
  let other: TestMariadbd;
  beforeAll(async () => {
    [server, other] = await Promise.all([startMariadbd({ seed: 30, tcp: true }), startMariadbd()]);
  });
  afterAll(() => Promise.all([server.stop(), other.stop()]));
  // Whatever failed, nothing of it is left: no object, no temporary file, no process, no session.
  afterEach(async () => {
    expect(await leftovers(server)).toEqual([]);
    const sessions = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'BACKUP%'";
    // One that was ended is listed until its thread has noticed.
    await expect.poll(() => server.sql(sessions)).toBe('0');
  });

  const repositoryWith = (change: (store: ObjectStore) => ObjectStore): FullBackupInput['repository'] =>
    openRepository(change(localDirectory(join(server.root, 'repository'))));
  const failureOf = (input: FullBackupInput, job: RecordedJob = recordedJob()): Promise<SkybackupError> =>
    failure(takeFullBackup(input, job));

  describe('is refused before it starts', () => {
    it('with the wrong password, which is not repeated', async () => {
      await server.sql("CREATE USER IF NOT EXISTS b1@localhost IDENTIFIED BY 'right-password';");
      const file = join(server.root, 'wrong');
      await writeFile(file, 'wrong-password-1\n', { mode: 0o600 });
      const connection = { socket: server.socket, user: 'b1', password_file: file };
      const error = await failureOf(inputOf(server, { service: serviceOf(server, { connection }) }));
      expect(error.code).toBe('access_denied');
      expect(error.message).toContain('b1');
      expect(JSON.stringify([error.message, error.hint, error.details])).not.toContain('wrong-password-1');
    });

    it('with a password file that is not there', async () => {
      const connection = { socket: server.socket, user: 'b1', password_file: join(server.root, 'none') };
      const error = await failureOf(inputOf(server, { service: serviceOf(server, { connection }) }));
      expect(error).toMatchObject({ code: 'access_denied', message: expect.stringContaining('none') });
    });

    it.each(['RELOAD', 'PROCESS', 'LOCK TABLES', 'BINLOG MONITOR', 'SELECT'])(
      'without the privilege %s, naming it and the grant',
      async (lacking) => {
        const all = ['RELOAD', 'PROCESS', 'LOCK TABLES', 'BINLOG MONITOR', 'SELECT'];
        await server.sql(`CREATE OR REPLACE USER b2@localhost IDENTIFIED BY 'b2-password';
          GRANT ${all.filter((name) => name !== lacking).join(', ')} ON *.* TO b2@localhost;`);
        const file = join(server.root, 'b2');
        await writeFile(file, 'b2-password', { mode: 0o600 });
        const connection = { socket: server.socket, user: 'b2', password_file: file };
        const error = await failureOf(inputOf(server, { service: serviceOf(server, { connection }) }));
        expect(error).toMatchObject({
          code: 'privilege_missing',
          details: { missing: [lacking] },
          hint: `Run on the server: GRANT ${lacking} ON *.* TO 'b2'@'localhost';`,
        });
      },
    );

    it('when the server is down', async () => {
      const connection = { socket: join(server.root, 'nothing'), user: 'root' };
      const error = await failureOf(inputOf(server, { service: serviceOf(server, { connection }) }));
      expect(error).toMatchObject({ code: 'service_down', retryable: true });
    });

    it("with another server's data directory, over the socket and over TCP", async () => {
      for (const connection of [server.connection, { host: '127.0.0.1', port: server.port ?? 0, user: 'root' }]) {
        const service = serviceOf(server, { connection, datadir: other.datadir });
        const error = await failureOf(inputOf(server, { service }));
        expect(error).toMatchObject({ code: 'wrong_data_directory', message: expect.stringContaining(other.datadir) });
      }
    });

    it('with a copy of its own data directory, and with one that is not there', async () => {
      const copy = join(server.root, 'copy');
      await mkdir(copy);
      await execa('cp', ['-r', join(server.datadir, 'mysql'), copy]);
      for (const datadir of [copy, join(server.root, 'missing')]) {
        const error = await failureOf(inputOf(server, { service: serviceOf(server, { datadir }) }));
        expect(error.code).toBe('wrong_data_directory');
      }
      await rm(copy, { recursive: true });
    });

    it('without a data directory', async () => {
      const error = await failureOf(inputOf(server, { service: serviceOf(server, { datadir: undefined }) }));
      expect(error.code).toBe('unsupported');
    });

    it('when a tablespace lies elsewhere', async () => {
      const link = join(server.datadir, 'linked');
      await symlink('/tmp', link);
      const error = await failureOf(inputOf(server));
      await rm(link);
      expect(error).toMatchObject({ code: 'unsupported_layout', message: expect.stringContaining(link) });
    });

    it('when the storage has far too little room', async () => {
      const repository = repositoryWith((store) => ({ ...store, freeBytes: async () => 1_000_000 }));
      const job = recordedJob();
      const error = await failureOf(inputOf(server, { repository }), job);
      expect(error).toMatchObject({ code: 'no_space', details: { needed: expect.any(Number), free: 1_000_000 } });
      expect(error.message).toContain('1000000 bytes free');
      expect(job.phases).toEqual(['connecting']);
    });
  });

  describe('fails midway', () => {
    it('when the disk fills up', async () => {
      // As root on a real small disk; else the store itself runs out.
      const mount = join(server.root, 'small');
      const asRoot = process.getuid?.() === 0;
      if (asRoot) {
        await mkdir(mount);
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', mount]);
      }
      try {
        const repository = asRoot
          ? openRepository(localDirectory(join(mount, 'r')))
          : repositoryWith(fullAfter(8_000_000));
        const error = await failureOf(inputOf(server, { repository }));
        expect(error).toMatchObject({
          code: 'no_space',
          details: { written: expect.any(Number), free: expect.any(Number) },
        });
        expect(error.details.written).toBeGreaterThan(1_000_000);
        const left: string[] = [];
        for await (const { key } of localDirectory(join(mount, 'r')).list('')) left.push(key);
        expect(left).toEqual([]);
      } finally {
        if (asRoot) execFileSync('umount', [mount]);
      }
    });

    it.each(['mariadb-backup', 'zstd'])('when %s is killed', async (victim) => {
      const gate = gatedStore(localDirectory(join(server.root, 'repository')));
      const failing = failureOf(inputOf(server, { repository: openRepository(gate.store) }));
      await gate.reached;
      const found = backupProcesses().find((candidate) => candidate.command === victim);
      process.kill(found?.pid ?? 0, 'SIGKILL');
      gate.open();
      const error = await failing;
      expect(error).toMatchObject({
        code: 'backup_failed',
        message: expect.stringContaining(`${victim} was killed by SIGKILL`),
      });
    });

    it('when the server is killed', async () => {
      const gate = gatedStore(localDirectory(join(server.root, 'repository')));
      const failing = failureOf(inputOf(server, { repository: openRepository(gate.store) }));
      await gate.reached;
      await server.down(false);
      gate.open();
      const error = await failing;
      await server.up();
      expect(['service_down', 'backup_failed']).toContain(error.code);
      expect(error.message).not.toBe('');
    });

    it('when the redo log is overwritten before it was copied, with the mend', async () => {
      await using busy = await startMariadbd({ seed: 20, args: ['--innodb-log-file-size=4M'] });
      const gate = gatedStore(localDirectory(join(busy.root, 'repository')));
      const failing = failureOf(inputOf(busy, { repository: openRepository(gate.store) }));
      await gate.reached;
      for (let i = 0; i < 3; i += 1)
        await busy.sql('INSERT INTO shop.bulk (pad) SELECT pad FROM shop.bulk LIMIT 15000;');
      gate.open();
      expect(await failing).toMatchObject({
        code: 'backup_failed',
        message: expect.stringContaining('overwrote its redo log'),
        hint: expect.stringContaining('innodb_log_file_size'),
      });
      expect(await leftovers(busy)).toEqual([]);
    });

    it('when the storage breaks', async () => {
      const repository = repositoryWith((store) => ({
        ...store,
        put: () => Promise.reject(new SkybackupError('storage_failed', 'The storage broke.')),
      }));
      expect(await failureOf(inputOf(server, { repository }))).toMatchObject({ code: 'storage_failed' });
    });

    it('when publishing is forbidden, and then no object is left either', async () => {
      const error = await failureOf(
        inputOf(server, {
          beforePublish: () => {
            throw new SkybackupError('interrupted', 'Another worker has taken over.');
          },
        }),
      );
      expect(error).toMatchObject({ code: 'interrupted' });
    });

    it('when the manifest cannot be written', async () => {
      const repository = repositoryWith((store) => ({
        ...store,
        put: (key, body, options) =>
          key.endsWith('manifest.json')
            ? Promise.reject(new SkybackupError('storage_failed', 'The storage broke.'))
            : store.put(key, body, options),
      }));
      expect(await failureOf(inputOf(server, { repository }))).toMatchObject({ code: 'storage_failed' });
    });
  });

  describe('waits for a lock', () => {
    it('no longer than told, names who holds it, kills nobody, and lets other DDL go on', async () => {
      const holder = await connect(server.connection);
      await holder.query('LOCK TABLES shop.legacy WRITE');
      const [row] = await holder.query<{ id: number }>('SELECT CONNECTION_ID() AS id');
      const job = recordedJob();
      const error = await failureOf(inputOf(server, { lockWaitSeconds: 2 }), job);
      expect(error).toMatchObject({ code: 'lock_timeout', details: { stage: 'START', sessions: [row?.id] } });
      expect(error.message).toContain(`session ${row?.id} of root@localhost`);
      expect(error.message).toContain('shop.legacy');
      expect(job.phases).toEqual(['connecting', 'copying', 'waiting for lock']);
      await server.sql('CREATE TABLE shop.meanwhile (id INT); DROP TABLE shop.meanwhile;');
      await holder.query('UNLOCK TABLES');
      await holder.close();
    });

    it('that comes later than the first just as long', async () => {
      const gate = gatedStore(localDirectory(join(server.root, 'repository')));
      const failing = failureOf(inputOf(server, { repository: openRepository(gate.store), lockWaitSeconds: 2 }));
      await gate.reached;
      const holder = await connect(server.connection);
      await holder.query('LOCK TABLES shop.legacy WRITE');
      gate.open();
      const error = await failing;
      await holder.close();
      expect(error).toMatchObject({
        code: 'lock_timeout',
        details: { stage: expect.stringMatching(/^(FLUSH|BLOCK_DDL)$/) },
      });
    });

    it('held by a running statement, which it names', async () => {
      const holder = await connect(server.connection);
      const slow = holder.query('INSERT INTO shop.legacy SELECT 900000 + SLEEP(20), 1').catch(() => []);
      await untilSession(server, 'INSERT INTO shop.legacy%');
      const error = await failureOf(inputOf(server, { lockWaitSeconds: 1 }));
      expect(error).toMatchObject({ code: 'lock_timeout' });
      expect(error.message).toContain('INSERT INTO shop.legacy');
      holder.raw.destroy();
      await slow;
    });
  });

  describe('is cancelled', () => {
    it.each(['connecting', 'copying', 'publishing'])('while %s', async (phase) => {
      const job = recordedJob((name) => {
        if (name === phase) job.abort.abort();
      });
      expect(await failureOf(inputOf(server), job)).toMatchObject({ code: 'cancelled' });
    });

    it('with bytes in the pipe', async () => {
      const gate = gatedStore(localDirectory(join(server.root, 'repository')));
      const job = recordedJob();
      const failing = failureOf(inputOf(server, { repository: openRepository(gate.store) }), job);
      await gate.reached;
      job.abort.abort();
      expect(await failing).toMatchObject({ code: 'cancelled' });
    });

    it('while it waits for a lock', async () => {
      const holder = await connect(server.connection);
      await holder.query('LOCK TABLES shop.legacy WRITE');
      const job = recordedJob((name) => {
        if (name === 'waiting for lock') job.abort.abort();
      });
      expect(await failureOf(inputOf(server), job)).toMatchObject({ code: 'cancelled' });
      await holder.close();
    });

    it('at the last moment, in the fencing check', async () => {
      const job = recordedJob();
      const input = inputOf(server, {
        beforePublish: () => {
          job.abort.abort();
          job.signal.throwIfAborted();
        },
      });
      expect(await failureOf(input, job)).toMatchObject({ code: 'cancelled' });
    });

    it('before it began', async () => {
      const job = recordedJob();
      job.abort.abort();
      expect(await failureOf(inputOf(server), job)).toMatchObject({ code: 'cancelled' });
    });
  });

  it('does not stand in the way of the next', async () => {
    const input = inputOf(server);
    await takeFullBackup(input, recordedJob());
    await expect(takeFullBackup(input, recordedJob())).rejects.toMatchObject({ code: 'conflict' });
    expect(await input.repository.manifest('shop', input.backupId)).toBeDefined();
    await input.repository.remove('shop', input.backupId);
  });

  it.runIf(process.getuid?.() === 0)('of a directory that this user may not read says so', async () => {
    await chmod(server.root, 0o711);
    await chmod(server.socket, 0o777);
    await server.sql("CREATE OR REPLACE USER nobody@localhost IDENTIFIED BY ''; GRANT ALL ON *.* TO nobody@localhost;");
    const script = `
      import { inspectServer } from ${JSON.stringify(new URL('../../../src/engine/mariadb/inspect.ts', import.meta.url).href)};
      const facts = await inspectServer({ connection: { socket: ${JSON.stringify(server.socket)}, user: 'nobody' }, datadir: ${JSON.stringify(server.datadir)} });
      console.log(JSON.stringify(facts.obstacles.map(({ code, message }) => ({ code, message }))));`;
    const run = await execa(process.execPath, ['--input-type=module-typescript', '-e', script], {
      uid: 65_534,
      gid: 65_534,
      cwd: '/',
    });
    await chmod(server.root, 0o700);
    expect(JSON.parse(run.stdout)[0]).toMatchObject({
      code: 'unreadable_directory',
      message: expect.stringContaining(server.datadir),
    });
  });
});

function fullAfter(bytes: number): (store: ObjectStore) => ObjectStore {
  return (store) => ({
    ...store,
    put: (key, body, options) => {
      const filling = async function* (): AsyncGenerator<Buffer> {
        let written = 0;
        for await (const chunk of body as AsyncIterable<Buffer>) {
          written += chunk.length;
          if (written > bytes)
            throw new SkybackupError('no_space', 'The storage is full.', { details: { written, free: 0 } });
          yield chunk;
        }
      };
      return store.put(key, Readable.from(filling(), { objectMode: false }), options);
    },
  });
}

async function untilSession(server: TestMariadbd, like: string): Promise<void> {
  const count = `SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '${like}' AND ID <> CONNECTION_ID()`;
  while ((await server.sql(count)) === '0');
}
