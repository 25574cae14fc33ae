import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ManagedScene, managedScene } from '../managed-scene.ts';
import { type ForeignWorld, foreignWorld } from './foreign-world.ts';
import { type HeaderArgument, packed } from './packed.ts';

let world: ForeignWorld;
let target: ManagedScene;
let before: Record<string, number | null>;
beforeAll(async () => {
  world = await foreignWorld();
  target = await managedScene(world.daemon, 'target');
  before = await target.checksums();
});
afterAll(() => world?.dispose());

/** A restore onto the service ends so, and the service has what it had. */
async function expectFailed(key: string, source: Record<string, unknown>, words: RegExp | string): Promise<void> {
  const answer = await world.restore(key, { service_id: target.id }, source);
  if (answer.status === 200) {
    const job = await world.daemon.ended(Number(answer.body.job_id));
    expect(job).toMatchObject({ status: 'Failed' });
    expect(job.error?.message).toMatch(words);
  } else {
    expect(answer.body.errors?.[0]?.message).toMatch(words);
  }
  expect(await target.checksums()).toEqual(before);
  expect(world.daemon.processes().length).toBeLessThanOrEqual(1);
}

const files = { method: 'mariabackup' };
const sql = { method: 'mysqldump' };

describe('what a tar must not hold', () => {
  const tricks: Record<string, [HeaderArgument, RegExp]> = {
    'an absolute path': [{ name: '/tmp/evil' }, /absolute path/],
    'a path that leads out': [{ name: '../../evil' }, /leads out/],
    'a path that leads out in the middle': [{ name: 'shop/../../evil' }, /leads out/],
    'a symbolic link': [{ name: 'shop', type: 'symlink', linkname: '/etc' }, /symbolic link/],
    'a hard link': [{ name: 'shop/t.ibd', type: 'link', linkname: '/etc/passwd' }, /hard link/],
    'a device': [{ name: 'shop/d', type: 'block-device', devmajor: 8, devminor: 0 }, /device/],
    'a named pipe': [{ name: 'shop/p', type: 'fifo' }, /named pipe/],
    'a table that lies elsewhere': [{ name: 'shop/t.isl' }, /outside of the data/],
    'a file that is compressed by itself': [{ name: 'shop/t.ibd.qp' }, /compressed by itself/],
    RocksDB: [{ name: '#rocksdb/000001.sst' }, /RocksDB/],
    'a file that lies too deep': [{ name: 'shop/a/b' }, /no file of the data or of a schema/],
    'a name with a line break': [{ name: 'shop/a\nb' }, /no name of a file/],
  };

  it.each(Object.entries(tricks))('%s', async (name, [header, words]) => {
    const key = `${name.replaceAll(' ', '-')}.tar`;
    await world.putBytes(key, await packed([{ name: 'ibdata1' }, header]));
    await expectFailed(key, files, words);
    expect(existsSync('/tmp/evil')).toBe(false);
  });

  it('a name twice', async () => {
    await world.putBytes('twice.tar', await packed([{ name: 'ibdata1' }, { name: './ibdata1' }]));
    await expectFailed('twice.tar', files, /comes twice/);
  });
});

describe('what an mbstream must not hold', () => {
  const chunk = (type: string, name: string): Buffer => {
    const path = Buffer.from(name);
    const head = Buffer.from(`XBSTCK01\0${type}\0\0\0\0`, 'latin1');
    head.writeUInt32LE(path.length, 10);
    return Buffer.concat([head, path]);
  };
  it.each([
    ['../../evil', /leads out/],
    ['/tmp/evil', /absolute path/],
    ['shop/t.isl', /outside of the data/],
  ])('%s', async (name, words) => {
    const key = `names-${randomBytes(4).toString('hex')}.xb`;
    await world.putBytes(key, Buffer.concat([chunk('E', 'ibdata1'), chunk('E', name)]));
    await expectFailed(key, files, words);
    expect(existsSync('/tmp/evil')).toBe(false);
  });

  it('a file that is renamed to one outside', async () => {
    const length = Buffer.from([12, 0, 0, 0]);
    const evil = Buffer.concat([chunk('E', 'ibdata1'), chunk('R', 'ibdata1'), length, Buffer.from('../../evil12')]);
    await world.putBytes('rename.xb', evil);
    await expectFailed('rename.xb', files, /leads out/);
  });
});

describe('what is not whole', () => {
  it.each(['xb', 'xb.gz', 'xb.zst', 'tar', 'tar.gz', 'tar.zst'])('a %s that was cut short', async (kind) => {
    const [archive, by] = kind.split('.');
    const make =
      archive === 'tar'
        ? 'tar -C $BACKUP -cf - .'
        : 'mariadb-backup $LOGIN --backup --datadir=$DATADIR --stream=mbstream 2>/dev/null';
    const wrap = by === undefined ? 'cat' : by === 'gz' ? 'gzip -1' : 'zstd -q';
    await world.put(`whole.${kind}`, `${make} | ${wrap}`);
    const store = world.s3.store({ prefix: 'foreign' });
    const whole = await buffer(await store.get(`whole.${kind}`));
    await world.putBytes(`cut.${kind}`, whole.subarray(0, Math.floor(whole.length * 0.7)));
    await expectFailed(`cut.${kind}`, files, /damaged or was cut short/);
  });

  it('a tar that was cut off between two files', async () => {
    const whole = await packed([{ name: 'ibdata1' }, { name: 'backup-my.cnf' }]);
    await world.putBytes('between.tar', whole.subarray(0, 1024));
    await expectFailed('between.tar', files, /its tar has no end/);
  });

  it('a dump that was cut short', async () => {
    await world.put('cut.sql', 'mariadb-dump $LOGIN --all-databases 2>/dev/null | head -c 30000 || true');
    await expectFailed('cut.sql', sql, /damaged or was cut short|The import failed/);
  });

  it('a dump that was cut between two statements', async () => {
    await world.put('cut-clean.sql', `mariadb-dump $LOGIN --databases shop | grep -v 'Dump completed'`);
    await expectFailed('cut-clean.sql', sql, /lacks the line "-- Dump completed"/);
  });

  it('bytes that changed on their way', async () => {
    const whole = await execa('tar', ['-C', join(world.folder, 'raw'), '-cf', '-', '.'], {
      encoding: 'buffer',
      maxBuffer: 1024 ** 3,
    });
    const bad = gzipSync(whole.stdout, { level: 1 });
    bad.fill(0xff, Math.floor(bad.length / 2), Math.floor(bad.length / 2) + 64);
    await world.putBytes('changed.tar.gz', bad);
    await expectFailed('changed.tar.gz', files, /damaged or was cut short|did not pass|is refused|failed/);
  });
});

describe('what it is', () => {
  it('SQL is no files, and files are no SQL', async () => {
    await world.put('some.sql', 'mariadb-dump $LOGIN --databases shop');
    await expectFailed('some.sql', files, /method mariabackup is for the files of mariadb-backup, and .* is SQL/);
    await world.put('some.tar', 'tar -C $BACKUP -cf - .');
    await expectFailed('some.tar', sql, /method mysqldump is for SQL, and .* is a tar of files/);
  });

  it('a key that is missing, wrong, or of the other kind', async () => {
    await world.put('locked.xb', "tar -C $BACKUP -cf - . | openssl enc -aes-256-cbc -pbkdf2 -k 'the right one'");
    await expectFailed('locked.xb', files, /is encrypted \(openssl enc\), and no encryption_key was given/);
    await expectFailed('locked.xb', { ...files, encryption_key: 'a wrong one' }, /encryption_key does not open/);
    const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
    await world.put('locked.age', `tar -C $BACKUP -cf - . | age -r ${recipient}`);
    await expectFailed('locked.age', { ...files, encryption_key: 'a passphrase' }, /to a recipient of age/);
    const other = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX';
    await expectFailed('locked.age', { ...files, encryption_key: other }, /encryption_key does not open/);
  });

  it('an incremental, named by its own files', async () => {
    const incremental = '--incremental-basedir=$RAW --stream=mbstream 2>/dev/null';
    await world.put('incremental.xb', `mariadb-backup $LOGIN --backup --datadir=$DATADIR ${incremental}`);
    await expectFailed('incremental.xb', files, /of type incremental/);
  });

  it.each([
    [
      'of MySQL',
      'xtrabackup_info',
      /server_version = .*/,
      'server_version = 8.0.36',
      /is of the server 8.0.36, not of MariaDB/,
    ],
    [
      'of a newer series',
      'xtrabackup_info',
      /server_version = .*/,
      'server_version = 13.1.2-MariaDB',
      /is of MariaDB 13.1.2/,
    ],
    [
      'with its system tablespace elsewhere',
      'backup-my.cnf',
      /innodb_data_file_path=.*/,
      'innodb_data_file_path=/srv/ibdata1:12M',
      /its innodb_data_file_path is/,
    ],
    ['without its own files', 'xtrabackup_checkpoints', /[\s\S]*/, '', /of type unknown/],
  ])('a backup %s', async (name, file, what, by, words) => {
    const folder = join(world.folder, 'edited');
    cpSync(join(world.folder, 'backup'), folder, { recursive: true });
    writeFileSync(join(folder, file), readFileSync(join(folder, file), 'utf8').replace(what, by));
    const key = `edited-${name.replaceAll(' ', '-')}.tar`;
    await world.put(key, 'tar -C edited -cf - .');
    await expectFailed(key, files, words);
  });

  it('what is nothing of the kind, or not there', async () => {
    await world.putBytes('noise.tar.gz', randomBytes(100_000));
    await expectFailed('noise.tar.gz', files, /begins like nothing that can be restored/);
    await world.putBytes('nothing.sql', Buffer.alloc(1));
    await expectFailed('nothing.sql', sql, /begins like nothing/);
    await world.putBytes('some.xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2]));
    await expectFailed('some.xz', files, /is xz/);
    await expectFailed('not-there.tar', files, /There is no object s3:/);
    await expectFailed('some/../thing', files, /is not the path of an object/);
  });

  it('credentials that the bucket does not take', async () => {
    const wrong = Buffer.from(
      Buffer.from(world.credentials, 'base64').toString().replace('a-secret-of-the-tests', 'another-secret-of-no-use'),
    ).toString('base64');
    await world.putBytes('any.tar', await packed([{ name: 'ibdata1' }]));
    await expectFailed('any.tar', { ...files, credentials: wrong }, /secret|signature|credentials|key/i);
  });
});
