import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpDaemon, startHttpDaemon } from '../mcp/http-daemon.ts';
import { type HttpEntry, startHttpEntry } from '../mcp/http-entry.ts';
import { type HttpProxy, startHttpProxy } from '../servers/http-proxy.ts';
import { fixtureServer } from './fixtures/server.ts';

const conformance = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/conformance/dist/index.js');
const revisions = [
  ['2026-07-28', ['--requirements', '2026-07-28']],
  ['2025-11-25', ['--spec-version', '2025-11-25', '--suite', 'all']],
] as const;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-conf-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the suite; a failure that the baseline does not name fails it, and so does a name that passes. Returns what passed. */
async function passed(url: string, baseline: string, scope: readonly string[]): Promise<string[]> {
  const expected = join(import.meta.dirname, `${baseline}.yml`);
  const args = [conformance, 'server', '--url', url, ...scope, '--expected-failures', expected];
  const { exitCode, stdout, stderr } = await execa(process.execPath, args, { cwd: folder, reject: false });
  if (exitCode !== 0) throw new Error(`${stdout.slice(-5000)}\n${stderr.slice(-2000)}`);
  return [...stdout.matchAll(/^✓ ([\w-]+): ([1-9]\d*) passed/gm)].map(([, scenario = '']) => scenario);
}

describe("the product, at a daemon's /mcp", () => {
  let http: HttpDaemon;
  let proxy: HttpProxy;
  beforeAll(async () => {
    http = await startHttpDaemon();
    // The suite has no key to send; its Host and Origin go through as they are.
    proxy = await startHttpProxy(Number(new URL(http.url).port));
    proxy.answer = ({ headers }) => {
      headers['x-api-key'] = http.keys.administrator;
      return undefined;
    };
  });
  afterAll(async () => {
    await proxy.stop();
    await http.daemon.dispose();
  });

  test.each(revisions)('conforms to %s, but for what needs fixtures', async (revision, scope) => {
    const scenarios = await passed(`http://127.0.0.1:${proxy.port}/mcp`, `product-${revision}`, scope);
    expect(scenarios).toEqual(expect.arrayContaining(['tools-list', 'resources-list', 'dns-rebinding-protection']));
  });
});

describe('its HTTP stack, with what the suite calls', () => {
  let entry: HttpEntry;
  beforeAll(async () => {
    entry = await startHttpEntry(() => fixtureServer(() => entry.http.notify));
  });
  afterAll(() => entry.close());

  test.each(revisions)('conforms to %s', async (revision, scope) => {
    const scenarios = await passed(entry.url, `fixture-${revision}`, scope);
    expect(scenarios).toEqual(expect.arrayContaining(['tools-call-with-progress', 'prompts-get-with-args']));
  });
});
