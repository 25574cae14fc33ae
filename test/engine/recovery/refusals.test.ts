import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { nextSecond, type RecoveryWorld, recoveryWorld } from './recovery-world.ts';

let server: TestMariadbd;
let world: RecoveryWorld;
beforeAll(async () => {
  server = await startMariadbd();
  world = recoveryWorld(server);
  await server.sql('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY);');
  await world.full();
});
afterAll(() => server.stop());

it('a statement that puts a table outside the data directory is not replayed, and named', async () => {
  const elsewhere = join(server.root, 'elsewhere');
  mkdirSync(elsewhere);
  const before = await world.moment('INSERT INTO d.t VALUES (1);');
  const { gtids } = await world.moment(`CREATE TABLE d.away (id INT) DATA DIRECTORY = '${elsewhere}';`);
  await server.sql('DROP TABLE d.away;');
  await world.archive();
  await expect(world.rebuilt({ gtid: gtids })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining(gtids),
    hint: expect.stringContaining(`before_gtid ${gtids}`),
  });
  expect(await world.rebuilt({ before_gtid: gtids })).toEqual(before.tables);
});

it('after a gap nothing is reached before the next full backup, and the gap is named', async () => {
  const last = await world.moment(`${nextSecond} INSERT INTO d.t VALUES (2);`);
  await world.archive();
  await server.sql(
    `${nextSecond} INSERT INTO d.t VALUES (3); FLUSH BINARY LOGS; INSERT INTO d.t VALUES (4); FLUSH BINARY LOGS;`,
  );
  const [newest] = (await server.sql('SHOW BINARY LOGS')).split('\n').at(-1)?.split('\t') ?? [];
  await server.sql(`PURGE BINARY LOGS TO '${newest}';`);
  const { time, gtids } = await world.moment(`${nextSecond} INSERT INTO d.t VALUES (5);`);
  await world.archive();
  await expect(world.source({ point_in_time: time })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(/nearest moment that works is .* UTC\. .*purged before they were archived/),
  });
  await expect(world.source({ gtid: gtids })).rejects.toMatchObject({ code: 'unsupported' });
  expect((await world.source({ point_in_time: last.time })).rollForward?.until).toBe(last.gtids);
});

it('logs that were begun anew with the same names are not those of the backup', async () => {
  const full = await world.full();
  await server.sql('RESET MASTER; INSERT INTO d.t VALUES (10); INSERT INTO d.t VALUES (11);');
  const { time } = await world.moment(`${nextSecond} INSERT INTO d.t VALUES (12);`);
  await world.archive();
  await expect(world.source({ point_in_time: time }, full)).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('nearest moment'),
  });
});
