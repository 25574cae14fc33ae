import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findTool } from '../../engine/mariadb/tools.ts';
import { clientOptions } from './connect.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-connect-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What MariaDB's own reader makes of an option file. */
function readBack(text: string): string[] {
  const path = join(folder, 'options.cnf');
  writeFileSync(path, text);
  return execFileSync(findTool('my_print_defaults'), [`--defaults-file=${path}`, 'client'], { encoding: 'utf8' })
    .split('--')
    .slice(1)
    .map((line) => line.slice(0, -1));
}

test('a login comes out of the option file as it went in', () => {
  const login = {
    host: 'db1',
    port: 3307,
    user: 'backup',
    password: 'pa ss#;"\'\\x',
    tls: { ca: '/ca.pem', verify: true },
  };
  expect(readBack(clientOptions(login))).toEqual([
    'host=db1',
    'port=3307',
    'protocol=tcp',
    'user=backup',
    'password=pa ss#;"\'\\x',
    'ssl-ca=/ca.pem',
    'ssl-verify-server-cert',
  ]);
  expect(readBack(clientOptions({ socket: '/run/a b.sock', user: 'u', password: '' }))).toContain(
    'socket=/run/a b.sock',
  );
});

test('any printable password survives', () => {
  const password = fc.string({ unit: fc.constantFrom(...' "\'\\#;=[]%$ntrsb\tÄ!a'), maxLength: 20 });
  fc.assert(
    fc.property(password, (secret) => {
      expect(readBack(clientOptions({ socket: '/s', user: 'u', password: secret }))).toContain(`password=${secret}`);
    }),
    { numRuns: 50 },
  );
});
