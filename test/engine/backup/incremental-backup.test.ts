import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { backupId, backupProcesses, gatedStore, leftovers, recordedJob } from './backup-world.ts';
import { type Registered, register } from './incremental-world.ts';
import { restoreByHand } from './restore-by-hand.ts';

let server: TestMariadbd;
let shop: Registered;

const writeMore = `
  INSERT INTO shop.customers (name, note) SELECT CONCAT(UUID(), seq), 'new' FROM seq_1_to_300;
  UPDATE shop.customers SET note = 'changed' WHERE id % 7 = 0;
  REPLACE INTO shop.settings VALUES ('now', UUID());
  REPLACE INTO shop.legacy VALUES (1, UUID());`;

describe('a chain of a full backup and two incrementals', () => {
  beforeAll(async () => {
    server = await startMariadbd({ seed: 20 });
    shop = register(server);
  });
  afterAll(async () => {
    shop[Symbol.dispose]();
    await server.stop();
  });

  it('is restored by hand with public tools, every table as it was at the last incremental', async () => {
    const full = await shop.full();
    await server.sql(`USE shop; ${writeMore} CREATE TABLE shop.between (id INT PRIMARY KEY, v BLOB);
      INSERT INTO shop.between SELECT seq, RANDOM_BYTES(200) FROM seq_1_to_2000;`);
    const first = await shop.incremental();
    await server.sql(`USE shop; ${writeMore} DROP TABLE shop.numbers; ALTER TABLE shop.between ADD COLUMN w INT DEFAULT 5;
      CREATE DATABASE archive; CREATE TABLE archive.t (id INT) ENGINE=Aria; INSERT INTO archive.t VALUES (1);
      CREATE USER late@localhost IDENTIFIED BY 'x';`);
    const second = await shop.incremental();
    const atSecond = await server.checksums();
    await server.sql('DELETE FROM shop.orders WHERE id < 100; DROP TABLE shop.between;');

    expect(full).toMatchObject({ type: 'full', parent: null, full: null });
    expect(first).toMatchObject({ type: 'incremental', parent: full.id, full: full.id, incarnation: full.incarnation });
    expect(second).toMatchObject({ type: 'incremental', parent: first.id, full: full.id, method: 'mariabackup' });
    expect([first.lsn?.from, second.lsn?.from]).toEqual([full.lsn?.to, first.lsn?.to]);
    expect(second.objects[0].bytes).toBeLessThan(full.objects[0].bytes);
    expect(shop.state.backups.get(second.id)).toMatchObject({
      reference_full_backup: full.id,
      parent: first.id,
      from_lsn: first.lsn?.to,
    });

    const increments = [shop.object(first), shop.object(second)];
    await using restored = await restoreByHand(shop.object(full), full, increments);
    const copy = await checksums(restored.connection);
    expect(copy).toEqual(atSecond);
    expect(Object.keys(copy)).toEqual(expect.arrayContaining(['archive.t', 'shop.between']));
    expect(Object.keys(copy)).not.toContain('shop.numbers');
  });

  it('goes on when nothing was written since the parent', async () => {
    const parent = await shop.incremental();
    const next = await shop.incremental();
    expect(next.parent).toBe(parent.id);
    expect(BigInt(next.lsn?.to ?? 0)).toBeGreaterThanOrEqual(BigInt(next.lsn?.from ?? 0));
  });

  it('takes no part of what a broken member stood on: the newest whole one is built upon, with a word about it', async () => {
    const full = await shop.full();
    const [first, second] = [await shop.incremental(), await shop.incremental()];
    await rm(shop.object(first));
    const job = recordedJob();
    const next = await shop.incremental({ job });
    expect(next).toMatchObject({ parent: full.id, full: full.id });
    expect(job.warnings.join()).toContain(first.id);
    expect(shop.state.backups.get(first.id)?.status).toBe('Failed');
    expect(shop.state.backups.linkOf(second.id)?.parent).toBe(first.id);
  });

  it('stays as it was when an incremental is cancelled', async () => {
    const parent = await shop.full();
    const before = await leftovers(server);
    const gate = gatedStore(localDirectory(join(server.root, 'repository')));
    const job = recordedJob();
    const id = backupId();
    const taking = shop.incremental({ job, input: { backupId: id, repository: openRepository(gate.store) } });
    await Promise.race([gate.reached, taking]);
    expect(backupProcesses().map(({ command }) => command)).toContain('mariadb-backup');
    job.abort.abort();
    await expect(taking).rejects.toMatchObject({ code: 'cancelled', message: expect.stringContaining(id) });
    expect(await leftovers(server)).toEqual(before);
    expect((await shop.incremental()).parent).toBe(parent.id);
  });

  it.each([
    ['its object', async (full: string) => rm(full)],
    ['all of it', async (full: string) => rm(join(full, '..'), { recursive: true })],
  ])('fails an incremental whose parent loses %s meanwhile', async (_, remove) => {
    const parent = await shop.full();
    const before = (await leftovers(server)).filter((left) => !left.includes(parent.id.split(':')[0] ?? ''));
    const taking = shop.incremental({
      job: recordedJob(),
      input: { repository: removing(() => remove(shop.object(parent))) },
    });
    await expect(taking).rejects.toMatchObject({ code: 'backup_failed', message: expect.stringContaining(parent.id) });
    const after = (await leftovers(server)).filter((left) => !left.includes(parent.id.split(':')[0] ?? ''));
    expect(after).toEqual(before);
  });

  /** The repository, in which something is removed once the copy is stored. */
  function removing(remove: () => Promise<void>): Registered['repository'] {
    return {
      ...shop.repository,
      putObject: async (...args) => {
        const object = await shop.repository.putObject(...args);
        await remove();
        return object;
      },
    };
  }
});

describe('data that were replaced by hand', () => {
  beforeAll(async () => {
    server = await startMariadbd({ seed: true, args: ['--server-id=7'] });
    shop = register(server);
  });
  afterAll(async () => {
    shop[Symbol.dispose]();
    await server.stop();
  });

  /** Refused for a person with what to do; a schedule takes a full one, of a new incarnation, and goes on from that. */
  async function expectNewBeginning(reason: RegExp): Promise<void> {
    const before = shop.service().incarnation;
    await expect(shop.incremental()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(reason),
      hint: expect.stringContaining('full'),
    });
    expect(shop.service().incarnation).toBe(before);
    const job = recordedJob();
    const instead = await shop.incremental({ job, orFull: true });
    expect(job.warnings.join()).toMatch(reason);
    expect(job.warnings.join()).toContain('full backup was taken instead');
    expect(instead).toMatchObject({ type: 'full', parent: null, full: null, lsn: { from: '0' } });
    expect(instead.incarnation).not.toBe(before);
    expect(shop.service().incarnation).toBe(instead.incarnation);
    expect(await shop.incremental()).toMatchObject({ parent: instead.id, incarnation: instead.incarnation });
  }

  it('has no parent where there is no backup at all: refused, or a full one for a schedule', async () => {
    await expect(shop.incremental()).rejects.toMatchObject({ code: 'conflict', hint: expect.stringContaining('full') });
    const job = recordedJob();
    expect(await shop.incremental({ job, orFull: true })).toMatchObject({ type: 'full', incarnation: 'first' });
    expect(job.warnings.join()).toContain('instead of an incremental');
  });

  it('is not what a restart, a renamed directory, or a backup of the same data looks like', async () => {
    const full = await shop.full();
    await server.down();
    await rename(server.datadir, `${server.datadir}.moved`);
    await rename(`${server.datadir}.moved`, server.datadir);
    await server.up();
    const job = recordedJob();
    expect(await shop.incremental({ job })).toMatchObject({ parent: full.id });
    expect((await shop.full({ job })).incarnation).toBe(full.incarnation);
    expect(job.warnings).toEqual([]);
  });

  it('by another directory: nothing builds on the backups of before', async () => {
    await shop.full();
    const other = await startMariadbd({ seed: true, args: ['--server-id=7'] });
    try {
      await other.down();
      await server.down();
      await rename(server.datadir, `${server.datadir}.first`);
      // Without its binary logs, as one does who restores by hand.
      await cp(other.datadir, server.datadir, {
        recursive: true,
        filter: (path) => !/binlog\.\d+$|binlog\.index$/.test(path),
      });
    } finally {
      await other.stop();
    }
    await server.up();
    await expectNewBeginning(/tablespace/);
  });

  it('by an older copy of themselves, written into the same files: the log sequence number went back', async () => {
    await server.down();
    const older = `${server.datadir}.older`;
    await cp(server.datadir, older, { recursive: true });
    await server.up();
    await server.sql(`USE shop; ${writeMore}`);
    await shop.full();
    await server.down();
    // Copying onto a file keeps the file: only the data tell.
    await execa('cp', ['-R', `${older}/.`, server.datadir]);
    await server.up();
    await expectNewBeginning(/LSN/);
  });

  it('and noticed by a full backup: it says so, and later incrementals build on it alone', async () => {
    const before = await shop.full();
    await server.down();
    await cp(server.datadir, `${server.datadir}.copy`, { recursive: true });
    await rename(server.datadir, `${server.datadir}.old`);
    await rename(`${server.datadir}.copy`, server.datadir);
    await server.up();
    const job = recordedJob();
    const after = await shop.full({ job });
    expect(job.warnings.join()).toContain('replaced outside of skybackup');
    expect(after.incarnation).not.toBe(before.incarnation);
    expect(await shop.incremental()).toMatchObject({ parent: after.id, full: after.id });
  });
});
