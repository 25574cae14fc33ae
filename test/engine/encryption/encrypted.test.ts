import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeDump } from '../../../src/engine/backup/dump.ts';
import { lookAtBinlog } from '../../../src/engine/binlog/archivable.ts';
import { type BinlogBackupInput, takeBinlogBackup } from '../../../src/engine/binlog/archive.ts';
import { takeStoppedBinlogBackup } from '../../../src/engine/binlog/archive-stopped.ts';
import { checkRecipients, openCommand, sealCommands } from '../../../src/engine/encryption/age.ts';
import { Identities } from '../../../src/engine/encryption/identities.ts';
import { opened, sealed } from '../../../src/engine/encryption/sealed.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { exportLogs } from '../../../src/engine/recovery/export-logs.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import type { BackupRepository } from '../../../src/engine/repository/repository.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { makeIdentity, type TestIdentity } from '../../servers/age.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';
import { backupId, gatedStore, recordedJob, serviceOf } from '../backup/backup-world.ts';

let root: string;
let first: TestIdentity;
let second: TestIdentity;
let foreign: TestIdentity;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'skb-age-'));
  [first, second, foreign] = await Promise.all([
    makeIdentity(root, 'first'),
    makeIdentity(root, 'second'),
    makeIdentity(root, 'foreign'),
  ]);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const never = new AbortController().signal;
const both = () => [first.recipient, second.recipient];
const seal = (bytes: Readable, recipients = both(), signal = never) => sealed(bytes, recipients, signal);
const open = (bytes: Readable, ...identities: TestIdentity[]) =>
  opened(bytes, openCommand(identities.map(({ file }) => file)), { backupId: 'b', signal: never });

describe('a sealed stream', () => {
  it('is opened by either identity, and by no other', async () => {
    const plain = Buffer.alloc(3_000_000, 'rows and rows');
    const stored = await buffer(seal(Readable.from([plain])));
    expect(stored.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
    expect(stored.includes('rows and rows')).toBe(false);
    expect((await buffer(open(Readable.from([stored]), first))).equals(plain)).toBe(true);
    expect((await buffer(open(Readable.from([stored]), foreign, second))).equals(plain)).toBe(true);
    await expect(buffer(open(Readable.from([stored]), foreign))).rejects.toMatchObject({
      code: 'backup_damaged',
      message: expect.stringContaining('no identity matched any of the recipients'),
    });
  });

  it('that is cut short or changed is not opened to its end', async () => {
    const stored = await buffer(seal(Readable.from([Buffer.alloc(500_000, 'x')])));
    const changed = Buffer.from(stored);
    changed[300_000] = (changed[300_000] ?? 0) ^ 1;
    for (const bytes of [stored.subarray(0, 300_000), changed]) {
      await expect(buffer(open(Readable.from([bytes]), first))).rejects.toMatchObject({ code: 'backup_damaged' });
    }
  });

  it('fails when what it is made of does: half a backup is never whole', async () => {
    const failing = async function* () {
      yield Buffer.alloc(100_000);
      throw new Error('the dump died');
    };
    await expect(buffer(seal(Readable.from(failing())))).rejects.toThrow('the dump died');
    await expect(buffer(open(Readable.from(failing()), first))).rejects.toThrow('the dump died');
  });

  it('ends with a cancel, and when nobody wants it any more', async () => {
    const abort = new AbortController();
    const source = new PassThrough();
    const cancelled = buffer(seal(source, both(), abort.signal));
    source.write('the beginning');
    abort.abort();
    await expect(cancelled).rejects.toThrow();
    const unwanted = new PassThrough();
    const stream = seal(unwanted);
    stream.destroy();
    await expect.poll(() => unwanted.destroyed).toBe(true);
  });

  it('without recipients is what it was', async () => {
    expect((await buffer(seal(Readable.from(['plain']), []))).toString()).toBe('plain');
    expect(sealCommands([])).toEqual([]);
  });
});

describe('recipients and identities', () => {
  it('a recipient with a slip is told by name', async () => {
    const slip = first.recipient.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'));
    await checkRecipients(both());
    await expect(checkRecipients([second.recipient, slip])).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(slip),
    });
  });

  it('a file of several opens for each, and one that is no identity says so without its words', async () => {
    const folder = mkdtempSync(join(root, 'home-'));
    const identities = new Identities({ identities: folder });
    expect(await identities.list()).toEqual([]);
    writeFileSync(join(folder, 'two.txt'), readFileSync(first.file, 'utf8') + readFileSync(second.file, 'utf8'));
    writeFileSync(join(folder, 'notes.txt'), 'hunter2-hunter2\n');
    expect(await identities.list()).toMatchObject([
      { name: 'notes.txt', recipients: [], trouble: expect.stringContaining('holds no identity') },
      { name: 'two.txt', recipients: both() },
    ]);
    expect(await identities.canOpen([second.recipient])).toBe(true);
    const missing = identities.openerOf({ id: 'b', encryption: { kind: 'age', recipients: [foreign.recipient] } });
    await expect(missing).rejects.toMatchObject({
      code: 'identity_missing',
      message: expect.stringMatching(new RegExp(`identity of ${foreign.recipient}\\. .*notes\\.txt`)),
    });
    await missing.catch((error: unknown) => expect(String(error)).not.toContain('hunter2'));
    // A file that is exchanged is read anew.
    writeFileSync(join(folder, 'two.txt'), readFileSync(foreign.file, 'utf8'));
    expect(await identities.canOpen([second.recipient])).toBe(false);
    expect(await identities.canOpen([foreign.recipient])).toBe(true);
  });
});

describe('of a real server', () => {
  let server: TestMariadbd;
  let repository: BackupRepository;
  beforeAll(async () => {
    server = await startMariadbd();
    repository = repositoryIn('repository');
    await server.sql('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1);');
  });
  afterAll(() => server.stop());

  const repositoryIn = (folder: string, store = localDirectory(join(server.root, folder))) =>
    openRepository(store, { recipients: both(), identities: new Identities({ identities: root }), blockBytes: 1000 });
  const input = (change: Partial<BinlogBackupInput> = {}): BinlogBackupInput => ({
    service: serviceOf(server),
    backupId: backupId(),
    repository,
    beforePublish: () => {},
    ends: [],
    earlier: undefined,
    ...change,
  });
  const exported = (from: BackupRepository, name: string) =>
    exportLogs(from, { serviceId: 'shop', directory: join(server.root, name) }, AbortSignal.timeout(20_000));

  it('archived logs are exported as the server’s own files, of a running server and of one that is down', async () => {
    await server.sql('FLUSH BINARY LOGS; INSERT INTO d.t VALUES (2);');
    const running = await takeBinlogBackup(input(), recordedJob());
    expect(running?.objects.map(({ key }) => key.split('/').at(-1))).toEqual([
      'binlog.000001.zst.age',
      'binlog.000002.zst.age',
    ]);
    await server.down();
    const stopped = repositoryIn('stopped');
    await takeStoppedBinlogBackup(input({ repository: stopped }), server.datadir, recordedJob());
    for (const from of [repository, stopped]) {
      const { logs, directory } = await exported(from, from === stopped ? 'of-stopped' : 'of-running');
      for (const { name } of logs) {
        expect(readFileSync(join(directory, name))).toEqual(readFileSync(join(server.datadir, name)));
      }
    }
    await server.up();
  });

  it('they are not exported without an identity', async () => {
    const blind = openRepository(localDirectory(join(server.root, 'repository')));
    await expect(exported(blind, 'blind')).rejects.toMatchObject({ code: 'identity_missing' });
  });

  it('a backup that is cancelled or cannot be stored leaves nothing', async () => {
    const before = await foldersOf('gated');
    const job = recordedJob();
    const gate = gatedStore(localDirectory(join(server.root, 'gated')));
    const taking = takeDump(input({ repository: repositoryIn('gated', gate.store) }), job);
    await gate.reached;
    job.abort.abort();
    gate.open();
    await expect(taking).rejects.toMatchObject({ code: 'cancelled' });
    expect(await foldersOf('gated')).toEqual(before);
  });

  async function foldersOf(folder: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of localDirectory(join(server.root, folder)).list('v1/')) keys.push(key);
    return keys;
  }

  it('encrypt_binlog is warned of unless the logs are encrypted here', async () => {
    const connection = await connect(server.connection);
    // A server that encrypts its logs needs a plugin that is not everywhere; all but that answer is its own.
    const encrypting: typeof connection = {
      ...connection,
      query: async <Row extends object>(sql: string, values?: unknown[]) =>
        (await connection.query<Row>(sql, values)).map((row) =>
          sql.includes('@@encrypt_binlog') ? { ...row, encrypt_binlog: 1 } : row,
        ),
    };
    try {
      expect((await lookAtBinlog(encrypting, 'shop', [])).warnings).toEqual([
        expect.stringContaining('hands them out decrypted'),
      ]);
      expect((await lookAtBinlog(encrypting, 'shop', both())).warnings).toEqual([]);
    } finally {
      await connection.close();
    }
  });
});
