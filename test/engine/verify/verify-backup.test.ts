import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SkybackupError } from '../../../src/contract/errors.ts';
import { measured } from '../../../src/engine/rates/measured-phases.ts';
import { type VerifyInput, verifyBackup } from '../../../src/engine/verify/verify-backup.ts';
import { checksums } from '../../servers/mariadbd.ts';
import { sampleRepository, type TestJob, testJob } from '../restore/sample-backup.ts';
import { type Checksums, makeScene, type Scene } from '../restore/scene.ts';

let scene: Scene;
let good: Checksums;
let verificationId = 0;
beforeAll(async () => {
  scene = await makeScene();
  good = await checksums(scene.target.connection);
});
afterAll(() => scene.place.dispose());

/** Whatever came of it: no folder, no process but the service's own, and that one as it was. */
afterEach(async () => {
  const { verifications } = scene.place.home;
  if (existsSync(verifications)) expect(readdirSync(verifications)).toEqual([]);
  await scene.expectTidy();
  expect(await checksums(scene.target.connection)).toEqual(good);
});

function input(change: Partial<VerifyInput> = {}): VerifyInput {
  verificationId += 1;
  const { place, backup } = scene;
  return {
    verificationId,
    source: { backups: [backup.manifest] },
    checks: {},
    repository: sampleRepository(backup),
    home: place.home,
    ...change,
  };
}

async function failure(given: VerifyInput, job: TestJob = testJob(), freeBytes?: number): Promise<SkybackupError> {
  const controls = freeBytes === undefined ? {} : { freeBytes };
  const error = await verifyBackup(given, measured(job), controls).catch((caught: unknown) => caught);
  if (error instanceof SkybackupError) return error;
  throw new Error(`expected a SkybackupError, got ${error}`, { cause: error });
}

describe('a sound backup', () => {
  test('is proven with all checks, each phase measured', async () => {
    const job = measured(testJob());
    const { manifest } = scene.backup;
    // Recorded wrongly: it is told, and no failure.
    const tables = manifest.tables.map((table) => ({ ...table, rows: table.name === 'customers' ? 5_000_000 : 1 }));
    const proven = await verifyBackup(
      input({ source: { backups: [{ ...manifest, tables }] }, checks: { check_table: true, row_counts: true } }),
      job,
    );
    const phases = job.phases();
    expect(phases.map(({ phase }) => phase)).toEqual([
      'checking',
      'materialising',
      'preparing',
      'proving',
      'checking_tables',
      'counting_rows',
    ]);
    expect(phases.every(({ seconds }) => seconds >= 0)).toBe(true);
    expect(phases.find(({ phase }) => phase === 'materialising')?.bytes).toBe(manifest.disk_bytes);
    // The checks come after the recovery, and are no part of it.
    const recovery = phases.slice(0, 4).reduce((sum, { seconds }) => sum + seconds, 0);
    expect(proven.recoveryMs).toBeGreaterThan(0);
    expect(proven.recoveryMs).toBeLessThanOrEqual(Math.ceil(recovery * 1000) + 5);
    expect(proven.rowCounts?.[0]).toMatchObject({ table: 'shop.customers', recorded: 5_000_000 });
    expect(job.warnings).toEqual([]);
  });

  test('is read whole and no more with "quick"', async () => {
    const job = measured(testJob());
    expect(await verifyBackup(input({ checks: { quick: true } }), job)).toEqual({
      recoveryMs: undefined,
      rowCounts: undefined,
    });
    expect(job.phases()).toMatchObject([{ phase: 'checking' }, { phase: 'reading', bytes: expect.any(Number) }]);
  });

  test('of which a table is empty though rows were recorded is proven with a warning', async () => {
    const { manifest } = scene.backup;
    const tables = manifest.tables.map((table) => ({ ...table, rows: table.name === 'audit' ? 1000 : table.rows }));
    const job = measured(testJob());
    await verifyBackup(input({ source: { backups: [{ ...manifest, tables }] }, checks: { row_counts: true } }), job);
    expect(job.warnings).toEqual([expect.stringContaining('shop.audit (about 1000)')]);
  });
});

describe('own queries', () => {
  const count = { sql: 'SELECT COUNT(*) FROM shop.customers', expect: '1000' };

  test('that give what is expected, as the server writes it', async () => {
    const queries = [
      count,
      { sql: 'SELECT CAST(10.50 AS DECIMAL(5,2)), 2', expect: '10.50' },
      { sql: 'SELECT MAX(id) FROM shop.audit', expect: 'NULL' },
      { sql: 'SELECT id FROM shop.audit', expect: 'no row' },
      { sql: 'SELECT MIN(placed) FROM shop.orders; ', expect: '2026-01-01 00:00:01.000000' },
    ];
    const job = measured(testJob());
    await verifyBackup(input({ checks: { queries } }), job);
    expect(job.phases().at(-1)?.phase).toBe('asking');
  });

  test('that give something else, fail, or try to do more than read', async () => {
    const queries = [
      count,
      { ...count, expect: '999' },
      { sql: 'SELECT * FROM shop.nowhere', expect: '1' },
      { sql: 'DELETE FROM shop.customers', expect: 'no row' },
    ];
    const error = await failure(input({ checks: { queries } }));
    expect(error.code).toBe('proof_failed');
    expect(error.message).toContain('3 of 4 queries');
    expect(error.message).toContain('"SELECT COUNT(*) FROM shop.customers" gave "1000", not "999"');
    const stolen = join(scene.place.home.root, 'stolen');
    const greedy = [
      "SELECT LOAD_FILE('/etc/passwd') IS NULL",
      `SELECT 1 INTO OUTFILE '${stolen}'`,
      'SELECT NEXT VALUE FOR shop.numbers',
      'CALL shop.add_customer(1)',
      'SET GLOBAL read_only = 1',
    ].map((sql) => ({ sql, expect: 'anything' }));
    // The file reads as nothing; the others are refused.
    const refused = await failure(input({ checks: { queries: greedy } }));
    expect(refused.message).toContain(`gave "1", not`);
    expect(refused.message.match(/an error \(/g)).toHaveLength(2);
    expect(refused.message).toContain('5 of 5');
    expect(existsSync(stolen)).toBe(false);
  });
});

describe('refused or found unsound', () => {
  test('a damaged block', async () => {
    const read = () =>
      Readable.from(
        (async function* () {
          yield (await readFile(scene.backup.file)).subarray(0, 100_000);
          throw new SkybackupError('backup_damaged', 'Block 1 of the backup is damaged.');
        })(),
      );
    const repository = sampleRepository(scene.backup, read);
    for (const checks of [{}, { quick: true }]) {
      expect(await failure(input({ repository, checks }))).toMatchObject({ code: 'backup_damaged' });
    }
  });

  test('a GTID that is not the manifest’s', async () => {
    const { manifest } = scene.backup;
    const { binlog } = manifest;
    if (binlog === null) throw new Error('the sample has a binary log');
    const backups = [{ ...manifest, binlog: { ...binlog, gtid: '0-1-999999' } }] as const;
    const error = await failure(input({ source: { backups } }));
    expect(error.code).toBe('backup_damaged');
    expect(error.message).toMatch(/than its manifest says: GTID .*, not 0-1-999999/);
  });

  test('an LSN that the redo log does not reach', async () => {
    const { manifest } = scene.backup;
    const backups = [{ ...manifest, lsn: manifest.lsn && { ...manifest.lsn, last: '99999999999999' } }] as const;
    expect(await failure(input({ source: { backups } }))).toMatchObject({ code: 'proof_failed' });
  });

  test('too little space: both figures and what needs none', async () => {
    const job = testJob();
    const error = await failure(input(), job, 1024 * 1024);
    expect(error).toMatchObject({ code: 'no_space', details: { free: 1024 * 1024 } });
    expect(error.message).toMatch(/needs \d+ MiB.*1 MiB free/);
    expect(error.hint).toContain('quick');
    expect(job.phases).toEqual(['checking']);
  });

  test('another series', async () => {
    const { manifest } = scene.backup;
    const server = { ...manifest.server, version: '10.6.20-MariaDB' };
    expect(await failure(input({ source: { backups: [{ ...manifest, server }] } }))).toMatchObject({
      code: 'version_mismatch',
    });
  });

  test.each(['materialising', 'preparing', 'proving', 'checking_tables'])('a cancel at %s', async (phase) => {
    const job = testJob((name, self) => {
      if (name === phase) self.cancel();
    });
    const error = await failure(input({ checks: { check_table: true } }), job);
    expect(error.code).toBe('cancelled');
  });
});
