import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findTool } from '../../../src/engine/mariadb/tools.ts';
import { lookAtTarget } from '../../../src/engine/plans/live-target.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';

let server: TestMariadbd;
beforeAll(async () => {
  server = await startMariadbd();
});
afterAll(() => server.stop());

it('tells the newest transaction of each domain, who follows the server, and whom it follows', async () => {
  await server.sql(`CREATE USER follower@localhost; GRANT REPLICATION SLAVE ON *.* TO follower@localhost;
    CREATE DATABASE d; SET gtid_domain_id = 7; CREATE TABLE d.t (a INT);`);
  expect(await lookAtTarget(server)).toEqual({
    gtids: await server.sql('SELECT @@gtid_binlog_pos'),
    replicas: [],
    follows: [],
  });
  // What a replica does, without being one.
  const options = ['--no-defaults', `--socket=${server.socket}`, '--user=follower', '--read-from-remote-server'];
  const follower = spawn(findTool('mariadb-binlog'), [...options, '--stop-never', 'binlog.000001'], {
    stdio: 'ignore',
  });
  try {
    await expect.poll(async () => (await lookAtTarget(server))?.replicas).toEqual(['localhost']);
  } finally {
    follower.kill('SIGKILL');
    await once(follower, 'exit');
  }
  await server.sql("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1");
  expect((await lookAtTarget(server))?.follows).toEqual(['127.0.0.1']);
});

it('says nothing of a server that is down', async () => {
  await server.down();
  expect(await lookAtTarget(server)).toBeUndefined();
});
