import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLogin } from './login.ts';
import { writeOptionFile } from './option-file.ts';

describe('an option file', () => {
  let root: string;
  let number = 0;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'skb-opt-'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const roundTrip = async (login: Parameters<typeof writeOptionFile>[2]) => {
    number += 1;
    const file = join(root, `${number}.cnf`);
    await writeOptionFile(file, 'client', login);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    return readLogin({ defaults_file: file });
  };

  it("is read back by the server's own reader with the same user and password, whatever characters they have", async () => {
    // A newline in a value ends the reader's line: no password file can carry one either.
    const value = fc
      .string({ minLength: 1, maxLength: 30, unit: 'binary' })
      .filter(
        (text) => [...text].every((character) => character >= ' ' && character !== '\ufeff') && text.isWellFormed(),
      );
    await fc.assert(
      fc.asyncProperty(value, value, async (user, password) => {
        const login = await roundTrip({ socket: '/run/s', user, password });
        expect(login).toEqual({ socket: '/run/s', user, password });
      }),
      {
        numRuns: 40,
        examples: [
          ['a b', '#"\\\'`$!'],
          [' x ', '\\n'],
          ["'q'", '"q"'],
          ['u', '\\s\\'],
          ['u', '# not a comment'],
        ],
      },
    );
  });

  it('carries host, port and TLS', async () => {
    const login = { host: 'db1', port: 3307, user: 'u', password: 'pppppp', tls: { ca: '/ca.pem', verify: true } };
    expect(await roundTrip(login)).toEqual(login);
  });
});

describe('a login', () => {
  it('takes what the service says before what its defaults file says', async () => {
    const root = mkdtempSync(join(tmpdir(), 'skb-opt-'));
    try {
      const file = join(root, 'c.cnf');
      await writeOptionFile(file, 'client', { socket: '/run/a', user: 'a', password: 'secret-a' });
      expect(await readLogin({ defaults_file: file, socket: '/run/b', user: 'b' })).toEqual({
        socket: '/run/b',
        user: 'b',
        password: 'secret-a',
      });
      expect(await readLogin({ defaults_file: file, host: 'h', port: 3 })).toEqual({
        host: 'h',
        port: 3,
        user: 'a',
        password: 'secret-a',
      });
      await expect(readLogin({ defaults_file: join(root, 'none') })).rejects.toMatchObject({ code: 'access_denied' });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
