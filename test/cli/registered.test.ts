import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestHome, temporaryHome } from '../servers/managed.ts';
import { startMariadbd, type TestMariadbd } from '../servers/mariadbd.ts';
import { type CliOutcome, runCli } from './run-cli.ts';

const password = 'pass "word" of\\this test';
let home: TestHome;
let server: TestMariadbd;
let folder: string;

/** Typed in the folder of the password file, so that paths may be relative. */
const cli = (args: string[]): Promise<CliOutcome> =>
  runCli(args, { env: { SKYBACKUP_HOME: home.home.root }, cwd: folder });
const reached = (): string[] => ['--socket', server.socket, '--user', 'keeper', '--password-file', 'password'];

beforeAll(async () => {
  home = temporaryHome();
  folder = mkdtempSync(join(tmpdir(), 'skb-own-'));
  writeFileSync(join(folder, 'password'), `${password}\n`, { mode: 0o600 });
  server = await startMariadbd();
  const grants = 'RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, SELECT';
  const quoted = password.replaceAll('\\', '\\\\');
  await server.sql(
    `CREATE USER keeper@localhost IDENTIFIED BY '${quoted}'; GRANT ${grants} ON *.* TO keeper@localhost;`,
  );
});
afterAll(async () => {
  await home.dispose();
  await server.stop();
  rmSync(folder, { recursive: true });
});

test("a server of one's own: added, connected to, found well, and found wanting", async () => {
  const added = await cli(['services', 'add', 'own', ...reached(), '--datadir', server.datadir, '--no-nightly']);
  expect(added.stderr).toBe('');
  expect(added.stdout).toContain('Nothing backs it up by itself yet');
  const connected = await cli(['services', 'connect', 'own', '--', '-N', '-e', 'SELECT CURRENT_USER()']);
  expect(connected).toEqual({ code: 0, stdout: 'keeper@localhost\n', stderr: '' });
  const well = await cli(['doctor']);
  expect(well.stdout).toMatch(/✓ service own: MariaDB 10\./);
  expect(well.code).toBe(0);

  await server.sql('REVOKE RELOAD, PROCESS ON *.* FROM keeper@localhost');
  const wanting = await cli(['doctor', '--json']);
  expect(wanting.code).toBe(1);
  expect(JSON.parse(wanting.stdout).findings).toContainEqual({
    check: 'service own',
    status: 'failed',
    message: expect.stringContaining('lacks RELOAD, PROCESS'),
    mend: expect.stringMatching(/GRANT RELOAD, PROCESS ON \*\.\* TO/),
  });

  writeFileSync(join(folder, 'password'), 'another one\n');
  const refused = await cli(['doctor']);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toMatch(/✗ service own: .*keeper/);
  expect(refused.stdout + refused.stderr).not.toContain('another one');

  await server.down();
  expect((await cli(['doctor'])).stdout).toMatch(/✗ service own: .*\n {2}→ Start the service/);
  expect((await cli(['services', 'forget', 'own'])).stdout).toContain('Service own is forgotten');
  expect((await cli(['doctor'])).code).toBe(0);
});
