import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { takeDump } from '../../src/engine/backup/dump.ts';
import { takeBinlogBackup } from '../../src/engine/binlog/archive.ts';
import { Identities } from '../../src/engine/encryption/identities.ts';
import { Manifest } from '../../src/engine/repository/manifest.ts';
import { openRepository } from '../../src/engine/repository/open.ts';
import { localDirectory } from '../../src/engine/storage/local-directory.ts';
import { backupId, recordedJob } from '../engine/backup/backup-world.ts';
import { register } from '../engine/backup/incremental-world.ts';
import { makeIdentity, type TestIdentity } from '../servers/age.ts';
import { checksums, startMariadbd, type TestMariadbd } from '../servers/mariadbd.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/repository-format.md'), 'utf8');
const commands = new Map(
  [...page.matchAll(/<!-- commands: (.+) -->\n```bash\n([\s\S]+?)```/g)].map(([, name = '', block = '']) => [
    name,
    block,
  ]),
);
const run = new Set<string>();

let root: string;
let identity: TestIdentity;
let spare: TestIdentity;
beforeAll(async () => {
  // Short: the socket of a server lies in it.
  root = mkdtempSync(join(tmpdir(), 'skb-fmt-'));
  [identity, spare] = [await makeIdentity(root, 'identity'), await makeIdentity(root, 'spare')];
  writeFileSync(join(root, 'login.cnf'), '[client]\nuser=root\n', { mode: 0o600 });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Tables = Record<string, number | null>;
const withoutAccounts = (all: Tables): Tables =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('mysql.')));

describe.each(['encrypted', 'plain'])('a repository that is %s', (kind) => {
  let server: TestMariadbd;
  let variables: Record<string, string>;
  /** The data of the incremental and of the dump, and those of the wanted moment. */
  let [backedUp, wanted]: [Tables, Tables] = [{}, {}];
  const manifests: Manifest[] = [];
  beforeAll(async () => {
    server = await startMariadbd({ seed: true });
    using world = register(server);
    const folder = join(server.root, 'repository');
    const recipients = kind === 'encrypted' ? [spare.recipient, identity.recipient] : [];
    const repository = openRepository(localDirectory(folder), {
      blockBytes: 100_000,
      recipients,
      identities: new Identities({ identities: root }),
    });
    const input = () => ({ service: world.service(), backupId: backupId(), repository, beforePublish: () => {} });
    const full = await world.full({ input: { repository } });
    await server.sql('CREATE TABLE shop.t (id INT PRIMARY KEY); INSERT INTO shop.t VALUES (1);');
    const incremental = await world.incremental({ input: { repository } });
    const dump = await takeDump(input(), recordedJob());
    backedUp = await server.checksums();
    await server.sql('INSERT INTO shop.t VALUES (2); DELETE FROM shop.orders LIMIT 1;');
    const until = await server.sql('SELECT @@gtid_binlog_pos');
    wanted = await server.checksums();
    await server.sql('DROP TABLE shop.t;');
    const logs = await takeBinlogBackup({ ...input(), ends: [], earlier: undefined }, recordedJob());
    if (logs === undefined) throw new Error('no logs were archived');
    manifests.push(full, incremental, dump, logs);
    const folderOf = ({ objects: [object] }: Manifest): string => join(folder, dirname(object.key));
    variables = {
      FULL: folderOf(full),
      INCREMENTAL: folderOf(incremental),
      DUMP: folderOf(dump),
      ARCHIVE: folderOf(logs),
      IDENTITY: identity.file,
      LOGIN: join(root, 'login.cnf'),
      LOGS: join(root, `${kind}-logs`),
      UNTIL: until,
    };
  });
  afterAll(() => server.stop());

  let data = '';
  afterEach(async () => {
    const pid = `${data}.pid`;
    if (!existsSync(pid)) return;
    const number = Number(readFileSync(pid, 'utf8'));
    process.kill(number, 'SIGKILL');
    await expect.poll(() => existsSync(`/proc/${number}`)).toBe(false);
  });

  async function follow(names: string[], change: Record<string, string> = {}) {
    const script = [kind, ...names].map((name) => {
      const block = commands.get(name);
      if (block === undefined) throw new Error(`the page has no commands "${name}"`);
      run.add(name);
      return block;
    });
    return execa('bash', ['-c', script.join('\n')], { env: { ...variables, DATA: data, ...change }, reject: false });
  }
  const restored = () => checksums({ socket: `${data}.sock`, user: 'root' });
  const done = (outcome: Awaited<ReturnType<typeof follow>>) =>
    expect(outcome.exitCode, `${outcome.stderr}`.slice(-2000)).toBe(0);

  it('has the layout of the page, and manifests with the fields of the page', () => {
    const fields = new Set(
      [...page.matchAll(/^\| (`.+?) \|/gm)].flatMap(([, cell = '']) =>
        [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
      ),
    );
    for (const manifest of manifests) {
      expect(Object.keys(Manifest.parse(manifest)).filter((name) => !fields.has(name))).toEqual([]);
      for (const { key } of manifest.objects) {
        const name =
          manifest.type === 'binarylog' ? 'binlog\\.\\d+' : `data\\.${manifest.type === 'dump' ? 'sql' : 'xbstream'}`;
        expect(key).toMatch(
          new RegExp(`^v1/shop/${manifest.id.split(':')[0]}/${name}\\.zst${kind === 'encrypted' ? '\\.age' : ''}$`),
        );
      }
    }
    for (const name of Object.keys(Manifest.shape)) expect([...fields]).toContain(name);
  });

  it('is checked by hand, and damage is found', async () => {
    for (const backup of ['FULL', 'INCREMENTAL', 'DUMP', 'ARCHIVE']) {
      const whole = await follow(['check'], { FULL: variables[backup] ?? '' });
      done(whole);
      expect(whole.stdout).toBe('');
    }
    const copy = join(root, `${kind}-damaged`);
    await execa('cp', ['-r', variables.FULL ?? '', copy]);
    const object = manifests[0]?.objects[0].key.split('/').at(-1) ?? '';
    writeSync(openSync(join(copy, object), 'r+'), 'damage', 150_000);
    const damaged = await follow(['check'], { FULL: copy });
    expect(damaged.exitCode).not.toBe(0);
    // The second of its blocks, and no other.
    expect(damaged.stdout.split('\n').filter((line) => line.startsWith('<'))).toHaveLength(1);
  });

  it('gives back a full backup with its incremental, and rolls it forward to a transaction', async () => {
    data = join(root, `${kind}-data`);
    done(await follow(['full', 'incremental', 'start']));
    expect(await restored()).toEqual(backedUp);
    done(await follow(['point in time']));
    expect(withoutAccounts(await restored())).toEqual(withoutAccounts(wanted));
    done(await follow(['stop']));
    expect(readFileSync(`${data}.log`, 'utf8')).not.toContain('[ERROR]');
  });

  it('gives back a dump', async () => {
    data = join(root, `${kind}-empty`);
    done(await follow(['empty server', 'start', 'dump']));
    expect(withoutAccounts(await restored())).toEqual(withoutAccounts(backedUp));
    done(await follow(['stop']));
  });

  it('says no to another identity', async () => {
    const other = await makeIdentity(root, `${kind}-other`);
    data = join(root, `${kind}-refused`);
    const outcome = await follow(['full'], { IDENTITY: other.file });
    if (kind === 'plain') return done(outcome);
    expect(outcome.exitCode).not.toBe(0);
    expect(outcome.stderr).toContain('no identity matched any of the recipients');
  });
});

it('every command of the page was run', () => {
  expect(commands.size).toBeGreaterThan(9);
  expect([...commands.keys()].filter((name) => !run.has(name))).toEqual([]);
  const shown = [...page.matchAll(/^```bash$/gm)];
  expect(shown).toHaveLength(commands.size);
});
