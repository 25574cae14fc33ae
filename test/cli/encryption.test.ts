import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findTool } from '../../src/engine/mariadb/tools.ts';
import { type TestHome, temporaryHome } from '../servers/managed.ts';
import { type CliOptions, type CliOutcome, runCli } from './run-cli.ts';

let shared: TestHome;
let folder: string;
const said: string[] = [];
async function cli(args: string[], options: CliOptions = {}): Promise<CliOutcome> {
  const env = { SKYBACKUP_HOME: shared.home.root, ...options.env };
  const outcome = await runCli(args, { cwd: folder, ...options, env });
  said.push(outcome.stdout, outcome.stderr);
  return outcome;
}

beforeAll(() => {
  shared = temporaryHome();
  folder = mkdtempSync(join(tmpdir(), 'skb-age-'));
});
afterAll(async () => {
  await shared.dispose();
  rmSync(folder, { recursive: true, force: true });
});

let recipient: string;
const file = () => join(folder, 'skybackup-identity.txt');

describe('keygen', () => {
  test('makes a file for its owner alone, prints the recipient alone, and says what it is worth', async () => {
    const { code, stdout, stderr } = await cli(['encryption', 'keygen']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^age1[a-z0-9]{58}\n$/);
    recipient = stdout.trim();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(stderr).toContain('WITHOUT THIS FILE THE BACKUPS ARE LOST');
    expect(stderr).toContain('Keep a copy');
    expect(stderr).toContain('the daemon needs the recipient only');
    expect((await execa(findTool('age-keygen'), ['-y', file()])).stdout).toBe(recipient);
  });

  test('never writes over an identity', async () => {
    const before = readFileSync(file());
    expect(await cli(['encryption', 'keygen'])).toMatchObject({ code: 1, stdout: '' });
    expect(readFileSync(file())).toEqual(before);
    const other = await cli(['encryption', 'keygen', '--out', 'other.txt', '--json']);
    expect(JSON.parse(other.stdout)).toEqual({
      recipient: expect.stringMatching(/^age1/),
      file: join(folder, 'other.txt'),
    });
  });
});

describe('recipients', () => {
  test('are set, shown, listed, looked at by doctor, and taken away again', async () => {
    expect((await cli(['encryption', 'recipients', 'local'])).stdout).toContain('are not encrypted');
    const set = await cli(['encryption', 'recipients', 'local', recipient]);
    expect(set.stdout, set.stderr).toContain(`are encrypted to ${recipient}`);
    expect((await cli(['storages', 'list'])).stdout).toContain(recipient);
    const { stdout } = await cli(['doctor']);
    expect(stdout).toMatch(new RegExp(`encryption of local: to ${recipient}; no identity that opens it`));
    expect(await cli(['encryption', 'recipients', 'local', '--none', recipient])).toMatchObject({ code: 2 });
    expect((await cli(['encryption', 'recipients', 'local', '--none'])).stdout).toContain('are not encrypted');
    expect(await cli(['encryption', 'recipients', 'nosuch', recipient])).toMatchObject({ code: 1 });
    await cli(['encryption', 'recipients', 'local', recipient]);
  });

  test('of a new storage are given when it is added', async () => {
    const added = await cli(['storages', 'add', 'disk', '--path', join(folder, 'disk'), '--recipient', recipient]);
    expect(added.stdout, added.stderr).toContain(`are encrypted to ${recipient}`);
    expect(readFileSync(join(shared.home.storages, 'disk.json'), 'utf8')).toContain(recipient);
  });

  test('a secret given in their place is refused, and shown nowhere', async () => {
    const [secret = ''] = /AGE-SECRET-KEY-\w+/.exec(readFileSync(file(), 'utf8')) ?? [];
    const { code, stderr } = await cli(['encryption', 'recipients', 'local', secret]);
    expect(code).toBe(1);
    expect(stderr).toContain('never the secret');
    expect(stderr).not.toContain(secret);
  });
});

describe('identities', () => {
  const inHome = () => (existsSync(shared.home.identities) ? readdirSync(shared.home.identities) : []);

  test('a copy is for the user of the daemon alone, is there once, and goes again', async () => {
    const added = await cli(['encryption', 'add-identity', file()]);
    expect(added.code, added.stderr).toBe(0);
    const [name = ''] = inHome();
    const copy = join(shared.home.identities, name);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(statSync(shared.home.identities).mode & 0o777).toBe(0o700);
    expect(readFileSync(copy)).toEqual(readFileSync(file()));
    expect(await cli(['encryption', 'add-identity', file()])).toMatchObject({ code: 1 });
    expect((await cli(['encryption', 'identities'])).stdout).toMatch(new RegExp(`${name} +copy +${recipient}`));
    expect((await cli(['doctor'])).stdout).toContain('an identity that opens it is on this machine');
    expect(await cli(['encryption', 'remove-identity', recipient])).toMatchObject({ code: 0 });
    expect(inHome()).toEqual([]);
    expect(existsSync(file())).toBe(true);
    expect(await cli(['encryption', 'remove-identity', recipient])).toMatchObject({ code: 1 });
  });

  test('a link leaves the file where it is, and says when that is away', async () => {
    await cli(['encryption', 'add-identity', 'other.txt', '--link']);
    const [name = ''] = inHome();
    expect(lstatSync(join(shared.home.identities, name)).isSymbolicLink()).toBe(true);
    expect((await cli(['encryption', 'identities'])).stdout).toMatch(/ link +age1/);
    rmSync(join(folder, 'other.txt'));
    expect((await cli(['encryption', 'identities'])).stdout).toContain('the file it links to is not there');
    expect((await cli(['doctor'])).stdout).toContain('opens nothing: the file it links to is not there');
    expect(await cli(['encryption', 'remove-identity', name])).toMatchObject({ code: 0 });
    expect(inHome()).toEqual([]);
  });

  test('what is no identity is refused, without a word of what is in it', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'a password that was written down: hunter2-hunter2\n');
    const refused = await cli(['encryption', 'add-identity', 'notes.txt']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no identity of age') });
    expect(refused.stderr).not.toContain('hunter2');
    expect(inHome()).toEqual([]);
  });

  test('one under a passphrase is refused: nobody is there at night to type it', async () => {
    const locking = `age --passphrase -o locked.txt ${file()}`;
    await execa('bash', ['-c', `script -qec '${locking}' /dev/null`], { cwd: folder, input: 'six-words\nsix-words\n' });
    const refused = await cli(['encryption', 'add-identity', 'locked.txt']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('without a passphrase') });
    expect(inHome()).toEqual([]);
  });

  test('they are given on the machine of the daemon only', async () => {
    const env = { SKYBACKUP_URL: 'http://127.0.0.1:9', SKYBACKUP_API_KEY: 'skb_0123456789abcdef0123' };
    const { code, stderr } = await cli(['encryption', 'add-identity', file()], { env });
    expect(code).toBe(1);
    expect(stderr).toContain('on the machine of the daemon');
  });
});

test('no secret was printed by any of it', () => {
  expect(said.join('\n')).not.toMatch(/AGE-SECRET-KEY-1\w/);
});
