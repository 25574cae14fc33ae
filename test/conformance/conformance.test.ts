import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { createServer } from '../../src/mcp/server.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { startHttpEntry } from './http-entry.ts';

const conformance = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/conformance/dist/index.js');
let home: string;
let cloud: CloudDouble;
let entry: Awaited<ReturnType<typeof startHttpEntry>>;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'skb-conf-'));
  cloud = await startCloudDouble();
  const settings = readSettings({ SKYSQL_API_KEY: cloud.key, SKYSQL_API_URL: cloud.url, SKYBACKUP_HOME: home });
  const api = openBackupApi(settings);
  entry = await startHttpEntry(() => createServer({ api, settings, version: '0.0.0' }));
});
afterAll(async () => {
  await entry.close();
  await cloud.close();
  rmSync(home, { recursive: true });
});

test.each([
  ['2026-07-28', ['--requirements', '2026-07-28']],
  ['2025-11-25', ['--spec-version', '2025-11-25', '--suite', 'all']],
])('the server conforms to %s, but for what needs fixtures', async (revision, scope) => {
  const baseline = join(import.meta.dirname, `expected-${revision}.yml`);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [conformance, 'server', '--url', entry.url, ...scope, '--expected-failures', baseline],
    { cwd: home, maxBuffer: 64e6 },
  ).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${error.stdout.slice(-4000)}\n${error.stderr}`);
  });
  const passed = [...stdout.matchAll(/^✓ ([\w-]+): ([1-9]\d*) passed/gm)].map(([, scenario]) => scenario);
  expect(passed).toEqual(expect.arrayContaining(['tools-list', 'resources-list', 'dns-rebinding-protection']));
});
