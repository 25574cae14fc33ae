import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SkybackupError } from '../../../src/contract/errors.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { buildData } from '../../../src/engine/restore/build-data.ts';
import { reservedBytes, whileRoom } from '../../../src/engine/restore/room.ts';
import { checkSpace, freeBytes, restoreSpace, spaceWarning } from '../../../src/engine/restore/space.ts';
import { removeStaging, stagingOf } from '../../../src/engine/restore/staging.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { recordedJob } from '../backup/backup-world.ts';
import { type RecoveryWorld, recoveryWorld } from '../recovery/recovery-world.ts';

const mebibyte = 1024 * 1024;

/** Small disks need a mount, and so root: what is tried on them without one is `whileRoom` alone. */
describe.runIf(process.getuid?.() === 0)('a disk that the replayed logs fill', () => {
  let server: TestMariadbd;
  let world: RecoveryWorld;
  let full: Manifest;
  let mount: string;
  beforeAll(async () => {
    server = await startMariadbd();
    world = recoveryWorld(server);
    await server.sql('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, v LONGBLOB);');
    full = await world.full();
    // Logs of 40 MiB each: the private server keeps one of them beside the data.
    for (let log = 0; log < 5; log += 1) {
      await server.sql(
        'USE d; INSERT INTO t (v) SELECT REPEAT(RANDOM_BYTES(1024), 64) FROM seq_1_to_640; FLUSH BINARY LOGS;',
      );
    }
    await world.archive();
    mount = join(server.root, 'small');
    mkdirSync(mount);
  });
  afterAll(() => server.stop());

  it('ends the restore with the figures before the disk is full, and leaves nothing', async () => {
    const source = await world.source({ gtid: await server.sql('SELECT @@gtid_binlog_pos') }, full);
    const { needed, replayed } = restoreSpace(source, { beside: server.root });
    const size = needed + 40 * mebibyte;
    expect(replayed).toBeGreaterThan(190 * mebibyte);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', mount]);
    try {
      const space = restoreSpace(source, { beside: mount });
      expect(() => checkSpace(space)).not.toThrow();
      expect(spaceWarning(space)).toContain('how much of it the data keep is not known');
      const staging = stagingOf({ data: server.datadir, beside: mount }, 1);
      const before = freeBytes(mount);
      try {
        await expect(
          buildData(source, world.input().repository, staging, { serverId: 4711 }, recordedJob()),
        ).rejects.toMatchObject({
          code: 'no_space',
          message: expect.stringMatching(
            /filled up while the binary logs were replayed: \d+ MiB of their \d+ MiB were, .* has \d+ MiB free/,
          ),
          details: { free: expect.any(Number), replayed: expect.any(Number) },
        });
        expect(freeBytes(mount)).toBeGreaterThan(0);
      } finally {
        await removeStaging(staging);
      }
      expect(readdirSync(mount)).toEqual([]);
      expect(before - freeBytes(mount)).toBeLessThan(mebibyte);
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});

describe('work that goes on as long as there is room', () => {
  const tooFull = (free: number): SkybackupError => new SkybackupError('no_space', `${free} bytes are free.`);

  it('ends by itself where there is, with its result or its own error', async () => {
    const room = { place: import.meta.dirname, tooFull, signal: new AbortController().signal };
    expect(freeBytes(room.place)).toBeGreaterThan(reservedBytes);
    expect(await whileRoom(room, async () => 'done')).toBe('done');
    const failing = whileRoom(room, () => Promise.reject(new Error('its own')));
    await expect(failing).rejects.toThrow('its own');
  });

  it('is cancelled as any other', async () => {
    const cancel = new AbortController();
    const room = { place: import.meta.dirname, tooFull, signal: cancel.signal };
    const work = whileRoom(room, (signal) => delay(60_000, undefined, { signal }));
    cancel.abort();
    await expect(work).rejects.toMatchObject({ name: 'AbortError' });
  });
});
