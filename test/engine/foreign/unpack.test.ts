import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lookAtForeign, type NamedObject } from '../../../src/engine/foreign/foreign-backup.ts';
import { unpackForeign } from '../../../src/engine/foreign/unpack.ts';
import { makeStaging, stagingAt } from '../../../src/engine/restore/staging.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { testJob } from '../restore/sample-backup.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-unpack-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function named(key: string): NamedObject {
  const store = localDirectory(join(folder, 'store'));
  return { store, key, url: `${store.url}/${key}`, method: 'mariabackup', encryptionKey: undefined };
}

async function shell(script: string): Promise<Buffer> {
  const { stdout } = await execa('bash', ['-c', script], { cwd: folder, encoding: 'buffer', maxBuffer: 1024 ** 3 });
  return Buffer.from(stdout);
}

const mebibyte = 1024 * 1024;

test('what unpacks to more than there is room for is stopped before the disk is full', async () => {
  const object = named('bomb.tar.gz');
  await object.store.put(
    object.key,
    await shell('mkdir b && truncate -s 200M b/ibdata1 && tar -C b -cf - . | gzip -1'),
  );
  const { foreign } = await lookAtForeign(object);
  expect(foreign.object.bytes).toBeLessThan(2 * mebibyte);
  const staging = stagingAt(join(folder, 'staging'));
  await makeStaging(staging);
  const unpacked = unpackForeign(foreign, staging, testJob(), 20 * mebibyte);
  await expect(unpacked).rejects.toMatchObject({
    code: 'no_space',
    message: expect.stringContaining('more than the 20 MiB'),
  });
  expect(readdirSync(staging.data)).toEqual(['ibdata1']);
});

test('a file with holes is not taken for one without', async () => {
  const object = named('sparse.tar');
  await object.store.put(object.key, await shell('truncate -s 50M ibdata1 && tar -cSf - ibdata1'));
  const { foreign } = await lookAtForeign(object);
  const staging = stagingAt(join(folder, 'staging'));
  await makeStaging(staging);
  await expect(unpackForeign(foreign, staging, testJob())).rejects.toThrow('sparse, or in parts');
});

test('layers upon layers are not taken off for ever', async () => {
  const object = named('many.gz');
  let bytes = Buffer.from('-- nothing\n');
  for (let count = 0; count < 6; count += 1) bytes = gzipSync(bytes);
  await object.store.put(object.key, bytes);
  await expect(lookAtForeign(object)).rejects.toThrow('inside of gzip and gzip and gzip and gzip');
});

test('an object that is replaced while it is read is not restored', async () => {
  const object = named('replaced.xb');
  await object.store.put(object.key, await shell('echo one > ibdata1 && mbstream -c ibdata1'));
  const { foreign } = await lookAtForeign(object);
  await object.store.delete(object.key);
  await object.store.put(object.key, await shell('echo two > ibdata1 && mbstream -c ibdata1'));
  const read = async () => {
    const { body } = await foreign.open(AbortSignal.timeout(5000), () => {});
    return Readable.from(body).toArray();
  };
  await expect(read()).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('was replaced while'),
  });
});

test('files that are no part of a backup are left out, and named', async () => {
  const object = named('more.tar');
  await object.store.put(
    object.key,
    await shell('touch ibdata1 binlog.index my.cnf && tar -cf - ibdata1 binlog.index my.cnf'),
  );
  const { foreign } = await lookAtForeign(object);
  const staging = stagingAt(join(folder, 'staging'));
  await makeStaging(staging);
  const job = testJob();
  await expect(unpackForeign(foreign, staging, job)).rejects.toThrow(
    'it is no whole backup of mariadb-backup, without xtrabackup_checkpoints',
  );
  expect(job.warnings).toEqual(['Files that are no part of a backup were left out: binlog.index and 1 more.']);
  expect(readdirSync(staging.data)).toEqual(['ibdata1']);
});
