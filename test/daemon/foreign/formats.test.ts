import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ForeignWorld, foreignWorld } from './foreign-world.ts';

let world: ForeignWorld;
let identity: string;
let recipient: string;
beforeAll(async () => {
  world = await foreignWorld();
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
});
afterAll(() => world?.dispose());

const key = 'a key of several words';
const stream = 'mariadb-backup $LOGIN --backup --datadir=$DATADIR --stream=mbstream 2>/dev/null';
const openssl = `openssl enc -aes-256-cbc -k '${key}'`;
const dump = 'mariadb-dump $LOGIN --all-databases --routines --events --single-transaction';

/** As MariaDB's documentation pipes them, and others do. */
const pipes: Record<string, { pipe: string; as: string; key?: () => string }> = {
  'a stream': { pipe: stream, as: 'mariabackup' },
  'a stream by gzip': { pipe: `${stream} | gzip`, as: 'mariabackup' },
  'a stream by zstd': { pipe: `${stream} | zstd -q`, as: 'mariabackup' },
  'a stream by openssl': { pipe: `${stream} | ${openssl} 2>/dev/null`, as: 'mariabackup', key: () => key },
  'a stream by gzip and openssl -pbkdf2': {
    pipe: `${stream} | gzip -1 | ${openssl} -pbkdf2`,
    as: 'mariabackup',
    key: () => key,
  },
  'a stream by openssl with MD5': {
    pipe: `${stream} | ${openssl} -md md5 2>/dev/null`,
    as: 'mariabackup',
    key: () => key,
  },
  'a stream by gzip and age': {
    pipe: `${stream} | gzip -1 | age -r $RECIPIENT`,
    as: 'mariabackup',
    key: () => identity,
  },
  'a prepared directory by tar': { pipe: 'tar -C $BACKUP -cf - .', as: 'mariabackup' },
  'a directory that is not prepared, in its folder, by tar and gzip': {
    pipe: 'tar -C $(dirname $RAW) -czf - raw',
    as: 'mariabackup',
  },
  'a directory by its whole path, by tar and zstd and age': {
    pipe: 'tar -cf - $BACKUP 2>/dev/null | zstd -q | age -r $RECIPIENT',
    as: 'mariabackup',
    key: () => identity,
  },
  'its files by tar': { pipe: 'cd $BACKUP && tar --format=pax -cf - *', as: 'mariabackup' },
  'a dump': { pipe: dump, as: 'mysqldump' },
  'a dump by gzip': { pipe: `${dump} | gzip`, as: 'mysqldump' },
  'a dump for a replica, by zstd': { pipe: `${dump} --master-data=1 --gtid | zstd -q`, as: 'mysqldump' },
  'a dump by gzip and openssl': { pipe: `${dump} | gzip | ${openssl} 2>/dev/null`, as: 'mysqldump', key: () => key },
  'a dump by age': { pipe: `${dump} | age -r $RECIPIENT`, as: 'mysqldump', key: () => identity },
  'a dump of databases, its accounts apart': {
    pipe: `mariadb-dump $LOGIN --databases shop 'odd name-1' --routines --events; mariadb-dump $LOGIN --system=users --insert-ignore --force || true`,
    as: 'mysqldump',
  },
};

it.each(Object.entries(pipes))('%s becomes a new service with the same tables', async (name, made) => {
  const object = `${name.replaceAll(' ', '-')}.bin`;
  await world.put(object, made.pipe.replace('$RECIPIENT', recipient));
  const encryption = made.key === undefined ? {} : { encryption_key: made.key() };
  const { restore, job } = await world.restored(object, { target: 'new' }, { method: made.as, ...encryption });
  expect(job, world.daemon.log().slice(-2000)).toMatchObject({ status: 'Succeeded' });
  expect(restore).toMatchObject({ key: `/${object}`, type: made.as === 'mysqldump' ? 'logical' : 'physical' });
  const { 'shop.prices': prices, ...others } = await world.tablesOf(restore.service_id);
  const { 'shop.prices': wantedPrices, ...wantedOthers } = world.wanted;
  expect(others).toEqual(wantedOthers);
  // A dump holds no history of rows.
  if (made.as === 'mariabackup') expect(prices).toBe(wantedPrices);
  else expect(await world.sql(restore.service_id, 'SELECT COUNT(*), SUM(price) FROM shop.prices')).toBe('50\t12766');
  expect(await world.sql(restore.service_id, "SELECT COUNT(*) FROM mysql.global_priv WHERE user = 'reader'")).toBe('1');
  await world.daemon.api.daemon.removeService(restore.service_id, restore.service_id).catch(() => {});
});

it('a stream that age encrypted to a passphrase', async () => {
  const plain = await execa('bash', ['-c', 'tar -C "$BACKUP" -cf - . | gzip'], {
    env: { BACKUP: join(world.folder, 'backup') },
    encoding: 'buffer',
    maxBuffer: 1024 ** 3,
  });
  const encrypter = new Encrypter();
  encrypter.setPassphrase(key);
  encrypter.setScryptWorkFactor(15);
  await world.putBytes('passphrase.age', Buffer.from(await encrypter.encrypt(plain.stdout)));
  const source = { method: 'mariabackup', encryption_key: key };
  const { restore, job } = await world.restored('passphrase.age', { target: 'new' }, source);
  expect(job).toMatchObject({ status: 'Succeeded' });
  expect(await world.tablesOf(restore.service_id)).toEqual(world.wanted);
});

it('goes on from the position that the backup noted', async () => {
  await world.put('position.xb', stream);
  const { restore } = await world.restored('position.xb', { target: 'new' }, { method: 'mariabackup' });
  const noted = readFileSync(join(world.folder, 'raw', 'xtrabackup_binlog_info'), 'utf8')
    .trim()
    .split('\t')[2];
  expect(await world.sql(restore.service_id, 'SELECT @@gtid_binlog_state')).toBe(noted);
});
