import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { objectStoreContract } from './object-store-contract.ts';

const unfinished = (root: string) => readdir(join(root, '.incoming')).catch(() => []);

objectStoreContract('local directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'skb-store-'));
  return {
    store: localDirectory(join(root, 'repository')),
    leftovers: () => unfinished(join(root, 'repository')),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
});

describe('local directory', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'skb-store-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('keeps its files to their owner', async () => {
    const store = localDirectory(join(root, 'new'));
    await store.put('v1/a', Buffer.from('x'));
    expect((await stat(join(root, 'new'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(root, 'new/v1/a'))).mode & 0o777).toBe(0o600);
    expect(store.url).toBe(`file://${root}/new`);
  });

  it('refuses to follow a symbolic link out, for writing, reading, listing and deleting', async () => {
    await mkdir(join(root, 'outside'));
    await writeFile(join(root, 'outside/secret'), 'secret');
    await mkdir(join(root, 'store/v1'), { recursive: true });
    await symlink(join(root, 'outside'), join(root, 'store/v1/link'));
    await symlink(join(root, 'outside/secret'), join(root, 'store/v1/file'));
    const store = localDirectory(join(root, 'store'));
    await expect(store.put('v1/link/x', Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(store.put('v1/link/deep/x', Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(store.get('v1/link/secret')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(store.delete('v1/link/secret')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(store.get('v1/file')).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await store.stat('v1/file')).toBeUndefined();
    const listed = [];
    for await (const { key } of store.list('v1/')) listed.push(key);
    expect(listed).toEqual([]);
    expect(await readdir(join(root, 'outside'))).toEqual(['secret']);
  });

  it('works when the directory itself is reached through a link', async () => {
    await mkdir(join(root, 'disk'));
    await symlink(join(root, 'disk'), join(root, 'link'));
    const store = localDirectory(join(root, 'link'));
    await store.put('v1/x', Buffer.from('x'));
    expect(await store.stat('v1/x')).toMatchObject({ bytes: 1 });
  });

  it('removes the folders that a delete emptied', async () => {
    const store = localDirectory(root);
    await store.put('v1/s/1/data', Buffer.from('x'));
    await store.put('v1/s/2/data', Buffer.from('x'));
    await store.delete('v1/s/1/data');
    expect(await readdir(join(root, 'v1/s'))).toEqual(['2']);
  });

  it('sweeps what a killed process left, and spares the young and its own running puts', async () => {
    const store = localDirectory(root);
    await mkdir(join(root, '.incoming'), { recursive: true });
    await writeFile(join(root, '.incoming/old'), 'half');
    await writeFile(join(root, '.incoming/young'), 'half');
    await utimes(join(root, '.incoming/old'), new Date(0), new Date(0));
    expect(await store.sweep(60_000)).toBe(1);
    expect(await unfinished(root)).toEqual(['young']);

    let swept = -1;
    const body = Readable.from(
      (async function* () {
        yield randomBytes(100_000);
        swept = await store.sweep(0);
        yield randomBytes(100_000);
      })(),
    );
    await store.put('v1/running', body);
    expect(swept).toBe(1);
    expect(await store.stat('v1/running')).toMatchObject({ bytes: 200_000 });
  });

  it('tells the free bytes, also before the directory exists', async () => {
    const free = await localDirectory(join(root, 'not/yet')).freeBytes();
    expect(free).toBeGreaterThan(0);
  });

  it.runIf(process.getuid?.() === 0)(
    'says no_space with the bytes when the disk fills midway, and leaves nothing',
    async () => {
      const mount = join(root, 'small');
      await mkdir(mount);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount]);
      try {
        const store = localDirectory(mount);
        const body = Readable.from(
          (function* () {
            for (let i = 0; i < 64; i += 1) yield randomBytes(100_000);
          })(),
        );
        await expect(store.put('v1/big', body)).rejects.toMatchObject({
          code: 'no_space',
          details: { written: expect.any(Number) },
        });
        expect(await unfinished(mount)).toEqual([]);
        expect(await store.stat('v1/big')).toBeUndefined();
        await store.put('v1/small', Buffer.from('fits'));
      } finally {
        execFileSync('umount', [mount]);
      }
    },
  );
});
