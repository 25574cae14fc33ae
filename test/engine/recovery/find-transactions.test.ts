import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FoundTransactions, TransactionsQuery } from '../../../src/contract/recovery.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { findTransactions } from '../../../src/engine/recovery/find-transactions.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { serviceOf } from '../backup/backup-world.ts';
import { nextSecond, type RecoveryWorld, recoveryWorld } from './recovery-world.ts';

let server: TestMariadbd;
let world: RecoveryWorld;
beforeAll(async () => {
  server = await startMariadbd();
  world = recoveryWorld(server);
  world.state.services.add(serviceOf(server));
  // On this machine, but not ours to read.
  world.state.services.add(serviceOf(server, { id: 'far', datadir: undefined }));
  await server.sql('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT);');
});
afterAll(() => server.stop());

const find = (query: TransactionsQuery = {}, service = 'shop'): Promise<FoundTransactions> =>
  findTransactions({ state: world.state, repository: world.input().repository }, service, query);
const gtid = (): Promise<string> => server.sql('SELECT @@gtid_binlog_pos');
const logs = (): Promise<string> => server.sql('SHOW BINARY LOGS');

it('before anything was archived, all is found on the server, which is not changed by it', async () => {
  await server.sql('DROP TABLE d.t; CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT); INSERT INTO d.t VALUES (1, "a");');
  const before = await logs();
  const found = await find();
  expect(found.transactions.map(({ statements: [first] }) => first)).toEqual([
    expect.stringMatching(/^CREATE DATABASE/),
    expect.stringMatching(/^CREATE TABLE/),
    expect.stringMatching(/^DROP TABLE/),
    expect.stringMatching(/^CREATE TABLE/),
    expect.stringMatching(/^INSERT INTO/),
  ]);
  expect(found.transactions.every(({ not_archived_yet }) => not_archived_yet === true)).toBe(true);
  expect(found).toMatchObject({ more: false, transactions: { 4: { gtid: await gtid() } } });
  expect([found.archived_to, found.not_looked_at]).toEqual([undefined, undefined]);
  expect(await logs()).toBe(before);
  expect(await server.sql("SHOW STATUS LIKE 'Slaves_connected'")).toBe('Slaves_connected\t0');
});

it('what is archived comes first, and what is not follows it once, marked', async () => {
  await server.sql(nextSecond);
  await world.archive();
  await server.sql(`${nextSecond} INSERT INTO d.t VALUES (2, 'b'); FLUSH BINARY LOGS; DROP TABLE d.t;`);
  const drop = await gtid();
  const { transactions, archived_to } = await find();
  expect(transactions.map(({ gtid: each }) => each.split('-')[2])).toEqual(['1', '2', '3', '4', '5', '6', '7']);
  expect(transactions.map(({ not_archived_yet = false }) => not_archived_yet)).toEqual([
    ...[false, false, false, false, false],
    ...[true, true],
  ]);
  expect(archived_to).toBeDefined();
  expect(await find({ contains: 'drop table', limit: 1 })).toMatchObject({
    transactions: [{ gtid: drop, statements: [expect.stringMatching(/^DROP TABLE/)], not_archived_yet: true }],
    more: true,
  });
  // From a moment on, the first are told.
  const from = transactions[5]?.time;
  expect(await find({ from, limit: 1 })).toMatchObject({ transactions: [{ gtid: transactions[5]?.gtid }], more: true });
});

it('a log that goes on growing while it is read ends where it was', async () => {
  await server.sql('CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, v TEXT);');
  const writer = await connect(server.connection);
  let [writing, written] = [true, 0];
  const writes = (async () => {
    for (; writing; written += 1) await writer.query('INSERT INTO d.t (v) VALUES (REPEAT("x", 1000))');
  })();
  try {
    const found = await find({ limit: 500 });
    const atOnce = written;
    expect(found.not_looked_at).toBeUndefined();
    expect(found.transactions.length).toBeLessThanOrEqual(8 + atOnce);
    await world.archive();
    expect((await find({ limit: 500 })).transactions.filter(({ not_archived_yet }) => !not_archived_yet)).not.toEqual(
      [],
    );
  } finally {
    writing = false;
    await writes;
    await writer.close();
  }
});

it.each([
  ['stopped', true],
  ['died', false],
])('of a server that %s, the files are read', async (_, gracefully) => {
  await server.sql("INSERT INTO d.t (v) VALUES ('secret');");
  const last = await gtid();
  await server.down(gracefully);
  try {
    const log = readFileSync(join(server.datadir, 'binlog.index'), 'utf8').trim().split('\n').at(-1) ?? '';
    // Of an event of which only the beginning reached the disk.
    if (!gracefully) appendFileSync(log, Buffer.alloc(15, 1));
    const found = await find({ limit: 1 });
    expect(found.transactions).toMatchObject([{ gtid: last, not_archived_yet: true }]);
    expect(JSON.stringify(found)).not.toContain('secret');
    // Nothing of that one is archived, and nothing is its own to read.
    await expect(find({}, 'far')).rejects.toMatchObject({ code: 'service_down' });
  } finally {
    await server.up();
  }
});

it('of a server that is down and whose files are not ours, the archive is told, and that it is not all', async () => {
  const { archived_to } = await find();
  world.state.services.remove('shop');
  world.state.services.add(serviceOf(server, { datadir: undefined }));
  await server.down();
  try {
    const found = await find({ limit: 500 });
    expect(found).toMatchObject({ to: archived_to, not_looked_at: expect.stringContaining('does not answer') });
    expect(found.transactions.length).toBeGreaterThan(6);
    expect(found.transactions.some(({ not_archived_yet }) => not_archived_yet)).toBe(false);
  } finally {
    await server.up();
    world.state.services.remove('shop');
    world.state.services.add(serviceOf(server));
  }
});

it('up to a moment that is archived, the server is not asked', async () => {
  await server.sql(nextSecond);
  await world.archive();
  const { archived_to } = await find();
  await server.down();
  try {
    const found = await find({ to: archived_to });
    expect(found).toMatchObject({ to: archived_to });
    expect(found.not_looked_at).toBeUndefined();
    expect(found.transactions.length).toBeGreaterThan(0);
    expect(found.transactions.every(({ not_archived_yet }) => not_archived_yet === undefined)).toBe(true);
  } finally {
    await server.up();
  }
});
