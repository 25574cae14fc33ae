import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Login } from './login.ts';
import { writeOptionFile } from './option-file.ts';
import { findTool } from './tools.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-option-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What MariaDB's own reader makes of a login's option file. */
async function readBack(login: Login): Promise<string[]> {
  const path = join(folder, 'options.cnf');
  await writeOptionFile(path, 'client', login);
  try {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = execFileSync(findTool('my_print_defaults'), [`--defaults-file=${path}`, 'client'], {
      encoding: 'utf8',
    });
    return text
      .split(/^--/m)
      .slice(1)
      .map((line) => line.slice(0, -1));
  } finally {
    rmSync(path);
  }
}

test('a login comes out of the option file as it went in', async () => {
  const password = 'pa ss#;"\'\\x';
  expect(
    await readBack({ host: 'db1', port: 3307, user: 'backup', password, tls: { ca: '/ca.pem', verify: true } }),
  ).toEqual(
    expect.arrayContaining([
      'host=db1',
      'port=3307',
      'protocol=tcp',
      'user=backup',
      `password=${password}`,
      'ssl-ca=/ca.pem',
      'ssl-verify-server-cert=1',
    ]),
  );
  expect(await readBack({ socket: '/run/a b.sock', user: 'u', password: '' })).toEqual(
    expect.arrayContaining(['socket=/run/a b.sock', 'protocol=socket', 'password=']),
  );
});

test('any password survives', async () => {
  const secrets = fc.string({ unit: fc.constantFrom(...' "\'\\#;=[]%$ntrsb\t\n-Ä!a'), maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(secrets, async (password) => {
      fc.pre(!password.includes('\n--'));
      expect(await readBack({ socket: '/s', user: 'u', password })).toContain(`password=${password}`);
    }),
    { numRuns: 50 },
  );
});
