import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SkybackupError } from '../../../src/contract/errors.ts';
import { type DumpInput, takeDump } from '../../../src/engine/backup/dump.ts';
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

/** Of the dump's: its statements that wait, and its lock. */
const sessions =
  "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'FLUSH%' OR STATE LIKE 'Waiting for%lock%'";

/** A session that was ended is listed until its thread has noticed. */
const expectNoSession = (server: TestMariadbd): Promise<void> => expect.poll(() => server.sql(sessions)).toBe('0');

const failureOf = (input: DumpInput, job: RecordedJob = recordedJob()): Promise<SkybackupError> =>
  failure(takeDump(input, job));

describe('a dump that cannot be', () => {
  /** With tables of other engines, which are locked. */
  let mixed: TestMariadbd;
  /** With InnoDB's alone. */
  let plain: TestMariadbd;
  beforeAll(async () => {
    [mixed, plain] = await Promise.all([startMariadbd({ seed: 16 }), startMariadbd()]);
    await plain.sql(`CREATE DATABASE one; USE one; CREATE TABLE aa (id INT PRIMARY KEY, pad VARBINARY(2000));
      INSERT INTO aa SELECT seq, CONCAT(RANDOM_BYTES(1000), RANDOM_BYTES(1000)) FROM seq_1_to_6000; CREATE TABLE zz (id INT PRIMARY KEY); INSERT INTO zz VALUES (1);`);
  });
  afterAll(() => Promise.all([mixed.stop(), plain.stop()]));
  // Whatever failed, nothing of it is left: no object, no temporary file, no process, no session, no lock.
  afterEach(async () => {
    for (const server of [mixed, plain]) {
      expect(await leftovers(server)).toEqual([]);
      await expectNoSession(server);
      await server.sql('CREATE DATABASE IF NOT EXISTS writable; DROP DATABASE writable;');
    }
  });

  const withStore = (server: TestMariadbd, change: (store: ObjectStore) => ObjectStore): DumpInput =>
    inputOf(server, { repository: openRepository(change(localDirectory(join(server.root, 'repository')))) });
  /** One that takes some bytes and then waits for `open`. */
  const gated = (server: TestMariadbd) => {
    const gate = gatedStore(localDirectory(join(server.root, 'repository')));
    return { ...gate, input: inputOf(server, { repository: openRepository(gate.store) }) };
  };

  it('for the wrong password does not repeat it', async () => {
    await mixed.sql("CREATE USER b1@localhost IDENTIFIED BY 'right-password';");
    const file = join(mixed.root, 'wrong');
    await writeFile(file, 'wrong-password-1\n', { mode: 0o600 });
    const connection = { socket: mixed.socket, user: 'b1', password_file: file };
    const error = await failureOf(inputOf(mixed, { service: serviceOf(mixed, { connection }) }));
    expect(error.code).toBe('access_denied');
    expect(JSON.stringify([error.message, error.hint, error.details])).not.toContain('wrong-password-1');
  });

  it('for want of room says so, before and midway', async () => {
    const before = await failureOf(withStore(mixed, (store) => ({ ...store, freeBytes: async () => 1000 })));
    expect(before).toMatchObject({ code: 'no_space', details: { free: 1000 } });
    const full = new SkybackupError('no_space', 'The storage is full.', { details: { written: 1, free: 0 } });
    const midway = await failureOf(withStore(mixed, (store) => ({ ...store, put: () => Promise.reject(full) })));
    expect(midway).toMatchObject({ code: 'no_space', message: expect.stringContaining('The backup of shop (about') });
  });

  it.each(['mariadb-dump', 'zstd'])('when %s is killed names it', async (victim) => {
    const { input, reached, open } = gated(mixed);
    const failing = failureOf(input);
    await reached;
    process.kill(backupProcesses().find((found) => found.command === victim)?.pid ?? 0, 'SIGKILL');
    open();
    expect(await failing).toMatchObject({
      code: 'backup_failed',
      message: expect.stringContaining(`${victim} was killed by SIGKILL`),
    });
  });

  it('when the server is killed midway', async () => {
    const { input, reached, open } = gated(plain);
    const failing = failureOf(input);
    await reached;
    await plain.down(false);
    open();
    const error = await failing;
    await plain.up();
    expect(error.code).toBe('service_down');
  });

  it('when the storage breaks, when publishing is forbidden, and when the manifest cannot be written', async () => {
    const broken = () => Promise.reject(new SkybackupError('storage_failed', 'The storage broke.'));
    expect((await failureOf(withStore(mixed, (store) => ({ ...store, put: broken })))).code).toBe('storage_failed');
    const forbidden = inputOf(mixed, {
      beforePublish: () => {
        throw new SkybackupError('interrupted', 'Another worker has taken over.');
      },
    });
    expect((await failureOf(forbidden)).code).toBe('interrupted');
    const unlisted = withStore(mixed, (store) => ({
      ...store,
      put: (key, body, options) => (key.endsWith('manifest.json') ? broken() : store.put(key, body, options)),
    }));
    expect((await failureOf(unlisted)).code).toBe('storage_failed');
  });

  it('when a table is changed between the snapshot and its turn, to be tried again', async () => {
    const { input, reached, open } = gated(plain);
    const failing = failureOf(input);
    await reached;
    await plain.sql('ALTER TABLE one.zz ADD COLUMN more INT, FORCE;');
    open();
    const error = await failing;
    expect(error).toMatchObject({ code: 'backup_failed', retryable: true });
    expect(error.message).toMatch(/changed while it was dumped.*zz/);
  });

  it('when the session that holds the tables still is ended', async () => {
    const { input, reached, open } = gated(mixed);
    const failing = failureOf(input);
    await reached;
    const idle = "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Sleep' AND ID <> CONNECTION_ID()";
    // Connections that were closed a moment ago may be listed still.
    await expect.poll(() => mixed.sql(idle)).toMatch(/^\d+$/);
    await mixed.sql(`KILL ${await mixed.sql(idle)};`);
    open();
    expect((await failing).message).toContain('ended the session that held the tables still');
  });

  describe('waits for a lock', () => {
    it('on all tables no longer than told, names who holds it, and kills nobody', async () => {
      const holder = await connect(mixed.connection);
      await holder.query('LOCK TABLES shop.legacy WRITE');
      const job = recordedJob();
      const error = await failureOf(inputOf(mixed, { lockWaitSeconds: 2 }), job);
      expect(error).toMatchObject({ code: 'lock_timeout', details: { sessions: [holder.raw.threadId] } });
      expect(error.message).toContain(`session ${holder.raw.threadId} of root@localhost`);
      expect(error.message).toContain('shop.legacy');
      expect(job.phases).toEqual(['connecting', 'copying', 'waiting for lock']);
      await holder.query('UNLOCK TABLES');
      await holder.close();
    });

    it('on one table no longer than told, and leaves no session that goes on waiting', async () => {
      const holder = await connect(plain.connection);
      await holder.query('LOCK TABLES one.zz WRITE');
      const job = recordedJob();
      const error = await failureOf(inputOf(plain, { lockWaitSeconds: 2 }), job);
      expect(error).toMatchObject({ code: 'lock_timeout', details: { sessions: [holder.raw.threadId] } });
      expect(error.message).toContain('one.zz');
      expect(job.phases).toEqual(['connecting', 'copying', 'waiting for lock']);
      // While the table is still held: a session that waited on would be there for as long.
      await expectNoSession(plain);
      await holder.query('UNLOCK TABLES');
      await holder.close();
    });

    it('until it is cancelled, and then not a moment longer', async () => {
      for (const [server, table] of [
        [mixed, 'shop.legacy'],
        [plain, 'one.zz'],
      ] as const) {
        const holder = await connect(server.connection);
        await holder.query(`LOCK TABLES ${table} WRITE`);
        const job = recordedJob((name) => {
          if (name === 'waiting for lock') job.abort.abort();
        });
        expect((await failureOf(inputOf(server), job)).code).toBe('cancelled');
        await expectNoSession(server);
        await holder.close();
      }
    });
  });

  it.each(['connecting', 'copying', 'publishing'])('is cancelled while %s', async (phase) => {
    const job = recordedJob((name) => {
      if (name === phase) job.abort.abort();
    });
    expect((await failureOf(inputOf(mixed), job)).code).toBe('cancelled');
  });

  it('is cancelled with bytes in the pipe', async () => {
    const { input, reached } = gated(mixed);
    const job = recordedJob();
    const failing = failureOf(input, job);
    await reached;
    job.abort.abort();
    expect((await failing).code).toBe('cancelled');
  });

  it('notices tables that were renamed, though their names are the same afterwards', async () => {
    await plain.sql('CREATE DATABASE two; CREATE TABLE two.a (id INT); CREATE TABLE two.b (id INT);');
    const { input, reached, open } = gated(plain);
    const job = recordedJob();
    const taking = takeDump(input, job);
    await reached;
    await plain.sql('RENAME TABLE two.a TO two.c, two.b TO two.a, two.c TO two.b;');
    open();
    const manifest = await taking;
    await plain.sql('DROP DATABASE two;');
    expect(manifest.unfit_for_point_in_time).toContain('RENAME TABLE');
    expect(job.warnings.join()).toContain('a table may be in it as it was afterwards');
    await input.repository.remove('shop', input.backupId);
  });

  it('is not one during which tables come and go: it is whole by itself, and no logs are rolled forward over it', async () => {
    await plain.sql('CREATE DATABASE two; CREATE TABLE two.gone (id INT);');
    const { input, reached, open } = gated(plain);
    const job = recordedJob();
    const taking = takeDump(input, job);
    await reached;
    await plain.sql('DROP TABLE two.gone;');
    open();
    const manifest = await taking;
    expect(manifest.unfit_for_point_in_time).toContain('two.gone');
    await plain.sql('DROP DATABASE two;');
    expect(job.warnings.join()).toContain('no binary logs can be rolled forward over it');
    await input.repository.remove('shop', input.backupId);
  });
});
