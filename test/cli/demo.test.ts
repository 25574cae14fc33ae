import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startS3 } from '../servers/swift-s3.ts';

// A whole story each, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

const entry = resolve(import.meta.dirname, '../../dist/skybackup.js');
let temporary: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'skb-demo-test-'));
});
afterEach(() => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  for (const pid of left()) process.kill(pid, 'SIGKILL');
  rmSync(temporary, { recursive: true, force: true });
});

/** Processes that work in the demo's temporary folder or name it. */
function left(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readlinkSync(`/proc/${pid}/cwd`).startsWith(temporary) ||
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(temporary)
        );
      } catch {
        return false;
      }
    });
}

function startDemo(
  args: string[] = [],
  program = [entry, 'demo'],
): { output: () => string; saw: (text: string) => Promise<void> } {
  let output = '';
  // A person's own settings, wrong on purpose: the demo must drive nothing but its sandbox.
  const own = { SKYSQL_API_KEY: 'not-for-the-demo', SKYBACKUP_URL: 'http://127.0.0.1:9', SKYBACKUP_HOME: '/nowhere' };
  child = spawn(process.execPath, [...program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...own, TMPDIR: temporary },
  });
  const waiting: { text: string; resolve: () => void }[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const { text, resolve: found } of waiting) if (output.includes(text)) found();
    });
  }
  return {
    output: () => output,
    saw: (text) =>
      new Promise((found, failed) => {
        waiting.push({ text, resolve: found });
        child?.once('close', () => failed(new Error(`the demo ended before it said "${text}":\n${output}`)));
      }),
  };
}

async function exitCode(): Promise<number | null> {
  if (child === undefined) throw new Error('no demo was started');
  if (child.exitCode === null) await once(child, 'close');
  return child.exitCode;
}

test('the story: backups of three kinds, damage found in the log, confirmed restore to before it, every checksum equal, old data kept, nothing left behind', async () => {
  const { output } = startDemo();
  expect(await exitCode(), output()).toBe(0);
  const text = output();
  const rows = [...text.matchAll(/^ {3}(\w+) +(\d+) +(\d+|gone) +(\d+) +✓$/gm)];
  const tables = ['customers', 'order_lines', 'orders', 'products', 'stock_moves'];
  expect(rows.map(([, table]) => table).sort()).toEqual(tables);
  for (const [, , before, , after] of rows) expect(after).toBe(before);
  expect(rows.some(([, , before, damaged]) => damaged !== before)).toBe(true);
  // The last order was in no backup and in no archived log when the harm was done.
  expect(text).toMatch(/(\d+-\d+-\d+) {2}UPDATE shop\.customers[\s\S]*"before_gtid":"\1"/);
  expect(text).toContain("the demo's own handler typed this");
  expect(text).toMatch(/The damaged data are kept, too: \S+before-restore/);
  expect(text).toContain(`"args": ["${entry}", "mcp"]`);
  for (const client of ['Claude Desktop', 'Claude Code', 'VS Code', 'Cursor']) expect(text).toContain(client);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(readdirSync(temporary)).toEqual([]);
  expect(left()).toEqual([]);
});

test.each([
  ['while the database is made', 'making an empty MariaDB'],
  ['in the middle of the restore', '→ restore_backup'],
])('interrupted %s, it stops and removes everything and says so', async (_when, text) => {
  const { output, saw } = startDemo();
  await saw(text);
  child?.kill('SIGINT');
  expect(await exitCode(), output()).toBe(1);
  expect(output()).toContain('interrupted');
  expect(readdirSync(temporary)).toEqual([]);
  expect(left()).toEqual([]);
});

test('with --keep the sandbox goes on, and the printed commands end it', async () => {
  const { output } = startDemo(['--keep']);
  expect(await exitCode(), output()).toBe(0);
  expect(left()).not.toEqual([]);
  expect(output()).toContain('"SKYBACKUP_HOME"');
  const commands = /^SKYBACKUP_HOME=.*\n.*$/m.exec(output())?.[0] ?? '';
  const ended = spawnSync('bash', ['-ec', commands], { encoding: 'utf8' });
  expect(ended.status, ended.stderr).toBe(0);
  expect(left()).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
});

describe('against S3', () => {
  const script = resolve(import.meta.dirname, '../../scripts/demo.ts');

  test('the story with a server of its own: every backup lies in the bucket and nothing beside it, and nothing is left behind', async () => {
    const { output } = startDemo(['--s3'], [script]);
    expect(await exitCode(), output()).toBe(0);
    const text = output();
    expect(text).toMatch(/A real S3 server \(OpenStack Swift\) answers at http:\/\/127\.0\.0\.1:\d+/);
    expect(text).toMatch(/\$ skybackup storages add bucket --path s3:\/\/\S+ --credentials-file \S+ --default/);
    expect(text.match(/v1\/demo-shop\/[0-9a-f]{32}\/manifest\.json/g)).toHaveLength(3);
    expect(text.match(/v1\/demo-shop\/[0-9a-f]{32}\/data\.xbstream\.zst/g)).toHaveLength(2);
    expect(text).toContain('all 3 backups are in the bucket, and the local repository is empty');
    expect(text).toContain('every table, view, trigger and event is as it was before the damage');
    expect(text).toMatch(/so is all that it wrote to s3:/);
    expect(text).not.toContain('a-secret-of-the-tests');
    expect(readdirSync(temporary)).toEqual([]);
    expect(left()).toEqual([]);
  });

  test('interrupted in the middle, it removes everything, and the server last', async () => {
    const { output, saw } = startDemo(['--s3'], [script]);
    await saw('→ create_backup');
    child?.kill('SIGTERM');
    expect(await exitCode(), output()).toBe(1);
    expect(output()).toContain('interrupted');
    expect(output()).toMatch(/so is all that it wrote to s3:/);
    expect(readdirSync(temporary)).toEqual([]);
    expect(left()).toEqual([]);
  });

  test('in a bucket that is there already it takes a folder of its own, and leaves the rest as it was', async () => {
    const s3 = await startS3();
    try {
      await s3.store({ prefix: 'mine' }).put('v1/kept', Buffer.from('x'));
      const { access_key_id, secret_access_key, endpoint_url } = s3.credentials;
      const file = join(temporary, 'credentials');
      const keys = `aws_access_key_id = ${access_key_id}\naws_secret_access_key = ${secret_access_key}`;
      writeFileSync(file, `[default]\n${keys}\nendpoint_url = ${endpoint_url}\n`);
      const { output } = startDemo(['--s3', `s3://${s3.bucket}/mine`, '--s3-credentials-file', file]);
      expect(await exitCode(), output()).toBe(0);
      expect(output()).toContain('all 3 backups are in the bucket, and the local repository is empty');
      const keysLeft: string[] = [];
      for await (const { key } of s3.store({ prefix: 'mine' }).list('')) keysLeft.push(key);
      expect(keysLeft).toEqual(['v1/kept']);
      expect(await s3.uploads()).toEqual([]);
    } finally {
      await s3.stop();
    }
  });

  test('what is no bucket is refused by name, before anything is started', async () => {
    const { output } = startDemo(['--s3', 'not-a-bucket']);
    expect(await exitCode(), output()).toBe(1);
    expect(output()).toContain('s3://bucket/prefix');
    expect(readdirSync(temporary)).toEqual([]);
  });
});
