import { spawn } from 'node:child_process';
import {
  chmodSync,
  createReadStream,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SkybackupError } from '../../../src/contract/errors.ts';
import { readMarker } from '../../../src/engine/managed/data-marker.ts';
import { managedLayout } from '../../../src/engine/managed/layout.ts';
import { managedStatus } from '../../../src/engine/managed/managed-server.ts';
import { identify, signalProcess } from '../../../src/engine/mariadb/process-identity.ts';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { type RestoreControls, type RestoreInput, restoreBackup } from '../../../src/engine/restore/restore.ts';
import { checksums } from '../../servers/mariadbd.ts';
import { sampleRepository, testJob } from './sample-backup.ts';
import { ask, type Checksums, makeScene, type Scene } from './scene.ts';

let scene: Scene;
let old: Checksums;
let oldIncarnation: string | undefined;

beforeAll(async () => {
  scene = await makeScene();
  old = await scene.damage();
  oldIncarnation = readMarker(scene.target.datadir ?? '')?.incarnation;
});
afterAll(() => scene.place.dispose());

/** Whatever failed: the target runs, every table is the old one, its settings are as they were, nothing is left behind. */
afterEach(async () => {
  expect((await managedStatus(scene.place.home, scene.target)).status).toBe('ready');
  expect(await checksums(scene.target.connection)).toEqual(old);
  expect(readMarker(scene.target.datadir ?? '')?.incarnation).toBe(oldIncarnation);
  expect(await ask(scene.target, 'SELECT @@innodb_io_capacity AS io, @@innodb_max_dirty_pages_pct AS dirty')).toEqual([
    { io: 200, dirty: 90 },
  ]);
  await scene.expectTidy();
});

async function failure(input: RestoreInput, controls: RestoreControls = {}, job = testJob()): Promise<SkybackupError> {
  const error = await restoreBackup(input, job, controls).catch((caught: unknown) => caught);
  if (error instanceof SkybackupError) return error;
  throw new Error(`expected a SkybackupError, got ${error}`, { cause: error });
}

/** The pid of the target, to tell one that went on from one that was started again. */
async function pidNow(): Promise<number> {
  return (await managedStatus(scene.place.home, scene.target)).pid ?? 0;
}

describe('refused before anything is done', () => {
  test('a service that is not managed', async () => {
    const target = { ...scene.target, control: { kind: 'none' as const } };
    expect(await failure(scene.input({ target }))).toMatchObject({ code: 'unsupported' });
  });

  test('another series, or an older patch level than the backup’s', async () => {
    for (const version of ['10.6.20-MariaDB', '11.4.2-MariaDB', '10.11.99-MariaDB']) {
      const manifest = { ...scene.backup.manifest, server: { ...scene.backup.manifest.server, version } };
      expect(await failure(scene.input({ source: { backups: [manifest] } }))).toMatchObject({
        code: 'version_mismatch',
      });
    }
  });

  test('what holds no whole data, or is encrypted to others', async () => {
    const logs: Manifest = { ...scene.backup.manifest, type: 'binarylog', method: 'mariadb-binlog', lsn: null };
    expect(await failure(scene.input({ source: { backups: [logs] } }))).toMatchObject({ code: 'unsupported' });
    const secret: Manifest = { ...scene.backup.manifest, encryption: { kind: 'age', recipients: ['age1x'] } };
    expect(await failure(scene.input({ source: { backups: [secret] } }))).toMatchObject({
      code: 'identity_missing',
      message: expect.stringContaining('age1x'),
    });
  });

  test('a data directory that is a link', async () => {
    const { home } = scene.place;
    const { root, data } = managedLayout(home, 'linked');
    mkdirSync(root);
    symlinkSync('/somewhere/else', data);
    const target = { ...scene.target, id: 'linked' };
    expect(await failure(scene.input({ target }))).toMatchObject({ code: 'unsupported_layout' });
    rmSync(root, { recursive: true });
  });

  test('too little space: both figures are named', async () => {
    const job = testJob();
    const error = await failure(scene.input(), { freeBytes: 1024 * 1024 }, job);
    expect(error.code).toBe('no_space');
    expect(error.message).toMatch(/needs \d+ MiB.*1 MiB free/);
    expect(error.details).toMatchObject({ free: 1024 * 1024, needed: expect.any(Number) });
    expect(job.phases).toEqual(['checking']);
  });
});

describe('while the new data are made', () => {
  test('a disk that fills up midway', async () => {
    const folder = join(scene.place.home.root, 'full-disk');
    mkdirSync(folder, { recursive: true });
    // Its words and exit code are those of a real mbstream on a full disk; the bytes are read first, as it would.
    const words = `mbstream: Error writing file './ibdata1' (Errcode: 28 "No space left on device")`;
    writeFileSync(join(folder, 'mbstream'), `#!/bin/sh\nhead -c 100000 >/dev/null\necho '${words}' >&2\nexit 1\n`);
    chmodSync(join(folder, 'mbstream'), 0o755);
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    const error = await failure(scene.input());
    expect(error.code).toBe('no_space');
    expect(error.message).toMatch(/filled up.*needs \d+ MiB.*\d+ MiB free/);
  });

  test('a damaged block: the repository’s own words', async () => {
    const read = () =>
      Readable.from(
        (async function* () {
          yield (await readFile(scene.backup.file)).subarray(0, 200_000);
          throw new SkybackupError('backup_damaged', 'Block 1 of the backup is damaged.');
        })(),
      );
    const error = await failure(scene.input({ repository: sampleRepository(scene.backup, read) }));
    expect(error).toMatchObject({ code: 'backup_damaged', message: 'Block 1 of the backup is damaged.' });
  });

  test('a storage that breaks off: its own words, not those of the tools that it leaves waiting', async () => {
    const read = () =>
      Readable.from(
        (async function* () {
          yield (await readFile(scene.backup.file)).subarray(0, 200_000);
          throw new Error('EIO: i/o error, read');
        })(),
      );
    const error = await failure(scene.input({ repository: sampleRepository(scene.backup, read) }));
    expect(error).toMatchObject({
      code: 'restore_failed',
      message: 'The backup could not be read to its end: EIO: i/o error, read.',
    });
  });

  test('an object that ends early, and one that is no backup at all', async () => {
    const content = await readFile(scene.backup.file);
    for (const bytes of [content.subarray(0, content.length / 2), Buffer.from('not zstd at all')]) {
      const read = () => Readable.from([bytes]);
      const error = await failure(scene.input({ repository: sampleRepository(scene.backup, read) }));
      expect(error.code).toBe('restore_failed');
      expect(error.message).toContain('zstd');
    }
  });

  test('another backup’s object under this manifest', async () => {
    const { manifest } = scene.backup;
    const lsn = { from: '0', to: '1', last: '1' };
    expect(await failure(scene.input({ source: { backups: [{ ...manifest, lsn }] } }))).toMatchObject({
      code: 'backup_damaged',
    });
  });

  test('a redo log that cannot be applied', async () => {
    const read = await repacked((data) => truncateSync(join(data, 'ib_logfile0'), 5000));
    const error = await failure(scene.input({ repository: sampleRepository(scene.backup, read) }));
    expect(error.code).toBe('restore_failed');
    expect(error.message, String(error.cause)).toContain('Preparing the backup failed');
  });
});

describe('while they are proven', () => {
  test('a server that does not start on them', async () => {
    const read = await repacked((data) => rmSync(join(data, 'mysql', 'global_priv.MAI')));
    const error = await failure(scene.input({ repository: sampleRepository(scene.backup, read) }));
    expect(error.code).toBe('restore_failed');
    expect(error.message).toMatch(/did not pass their proof.*did not start.*privilege/i);
  });

  test('a table that cannot be opened', async () => {
    const read = await repacked((data) => writeFileSync(join(data, 'shop', 'legacy.MYI'), Buffer.alloc(1024)));
    const error = await failure(scene.input({ repository: sampleRepository(scene.backup, read) }));
    expect(error.code).toBe('restore_failed');
    expect(error.message).toContain('did not pass their proof');
    expect(error.message).toContain('legacy');
  });

  test('redo that ends too early, and a GTID that is not the manifest’s', async () => {
    const { manifest } = scene.backup;
    const lsn = { from: '0', last: '999999999999', to: manifest.lsn?.to ?? '' };
    expect((await failure(scene.input({ source: { backups: [{ ...manifest, lsn }] } }))).message).toContain('LSN');
    const binlog = { file: 'binlog.000001', position: 4, gtid: '0-1-999999' };
    expect((await failure(scene.input({ source: { backups: [{ ...manifest, binlog }] } }))).message).toContain('GTID');
  });
});

describe('while the data are exchanged', () => {
  test('a job that lost its lease never stops the target', async () => {
    const pid = await pidNow();
    const lost = new SkybackupError('interrupted', 'Another worker has taken over.');
    const beforeSwap = () => {
      throw lost;
    };
    expect(await failure(scene.input({ beforeSwap }))).toBe(lost);
    expect(await pidNow()).toBe(pid);
  });

  test('a stranger who has a file of the target open', async () => {
    const pid = await pidNow();
    const open = openSync(join(scene.target.datadir ?? '', 'ibdata1'), 'r');
    const stranger = spawn('sleep', ['600'], { stdio: [open, 'ignore', 'ignore'] });
    try {
      const error = await failure(scene.input());
      expect(error.code).toBe('conflict');
      expect(error.message).toContain(`Process ${stranger.pid} (sleep)`);
      expect(await pidNow()).toBe(pid);
    } finally {
      stranger.kill();
    }
  });

  test('a target that does not answer', async () => {
    const pid = await pidNow();
    const identity = identify(pid) ?? { pid, start_time: '' };
    const job = testJob((phase) => phase === 'swapping' && signalProcess(identity, 'SIGSTOP'));
    const error = await failure(scene.input(), { answerTimeoutMs: 300 }, job);
    signalProcess(identity, 'SIGCONT');
    expect(error.code).toBe('service_down');
    expect(await pidNow()).toBe(pid);
  });

  test('a target that refuses to stop: it is waited for, not killed, and started again', async () => {
    const pid = await pidNow();
    const identity = identify(pid) ?? { pid, start_time: '' };
    const error = await failure(scene.input(), {
      stopTimeoutMs: 500,
      afterStep: (step) => {
        if (step !== 'draining') return;
        signalProcess(identity, 'SIGSTOP');
        // It wakes up after the restore has given up, while that waits for it to be gone.
        setTimeout(() => signalProcess(identity, 'SIGCONT'), 1200);
      },
    });
    expect(error.code).toBe('timeout');
    expect(await pidNow()).not.toBe(pid);
    expect(log()).not.toContain('Starting crash recovery');
  });

  test('a private server that dies before the last moment', async () => {
    const error = await failure(scene.input(), {
      afterStep: (step) => {
        if (step !== 'stopping') return;
        const layout = managedLayout(scene.place.home, scene.target.id);
        const [pid] = scene.place.processes();
        const identity = identify(pid ?? 0);
        expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toContain(join(layout.root, 'staging-'));
        if (identity !== undefined) signalProcess(identity, 'SIGKILL');
      },
    });
    expect(error.code).toMatch(/service_down|restore_failed/);
  });

  test('restored data on which the server does not start', async () => {
    const error = await failure(scene.input(), {
      afterStep: (step) => {
        if (step === 'in') writeFileSync(join(scene.target.datadir ?? '', 'aria_log_control'), Buffer.alloc(52));
      },
    });
    expect(error.code).toBe('service_failed');
    expect(error.message).toContain('did not start');
  });

  test('a failure at each step, the last one before the restored server is accepted included', async () => {
    for (const step of ['draining', 'stopping', 'sealing', 'aside', 'in', 'starting'] as const) {
      const error = await failure(scene.input(), {
        afterStep: (done) => {
          if (done === step) throw new Error(`fault after ${step}`);
        },
      });
      expect(error).toMatchObject({ code: 'restore_failed', message: `The restore failed: fault after ${step}` });
      expect(await checksums(scene.target.connection)).toEqual(old);
      await scene.expectTidy();
    }
  });
});

describe('a cancel', () => {
  for (const phase of ['checking', 'materialising', 'preparing', 'proving', 'swapping']) {
    test(`in the phase ${phase} leaves the target as it is`, async () => {
      const pid = await pidNow();
      const job = testJob((name) => name === phase && job.cancel());
      expect((await failure(scene.input(), {}, job)).code).toBe('cancelled');
      expect(await pidNow()).toBe(pid);
    });
  }

  test('in the middle of unpacking', async () => {
    const job = testJob();
    const read = () =>
      Readable.from(
        (async function* () {
          const content = await readFile(scene.backup.file);
          yield content.subarray(0, 100_000);
          job.cancel();
          yield content.subarray(100_000);
        })(),
      );
    const error = await failure(scene.input({ repository: sampleRepository(scene.backup, read) }), {}, job);
    expect(error.code).toBe('cancelled');
  });
});

function log(): string {
  return readFileSync(managedLayout(scene.place.home, scene.target.id).log, 'utf8');
}

/** A source of the backup's bytes after its unpacked files were changed: damage that no checksum of ours can know of. */
async function repacked(change: (data: string) => void): Promise<() => Readable> {
  const folder = join(scene.place.home.root, 'repacked');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  await execa({
    cwd: folder,
    shell: '/bin/sh',
  })`${findTool('zstd')} -dc ${scene.backup.file} | ${findTool('mbstream')} -x`;
  change(folder);
  const packed = `${folder}.xbstream.zst`;
  await execa({
    cwd: folder,
    shell: '/bin/sh',
  })`${findTool('mbstream')} -c $(find . -type f | sed 's|^[.]/||' | tr '\n' ' ') | ${findTool('zstd')} -1 -c > ${packed}`;
  return () => createReadStream(packed);
}
