import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { getMcpConfigForManifest, type McpbManifestAny, unpackExtension, v0_3 } from '@anthropic-ai/mcpb';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeBundle } from '../../scripts/packaging/bundle.ts';
import { daemonHealth } from '../../src/client/start-daemon.ts';
import { homeOf } from '../../src/contract/home.ts';
import { identify, waitUntilGone } from '../../src/engine/mariadb/process-identity.ts';
import { allTools } from '../../src/mcp/tools/all.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { serverCommand } from '../mcp/server-command.ts';

const product = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'));
let folder: string;
let unpacked: string;
let manifest: McpbManifestAny;
let cloud: CloudDouble;

beforeAll(async () => {
  // Short: the socket of a daemon lies in it.
  folder = mkdtempSync(join(tmpdir(), 'skb-mcpb-'));
  unpacked = join(folder, 'unpacked');
  expect(await unpackExtension({ mcpbPath: await makeBundle(folder), outputDir: unpacked, silent: true })).toBe(true);
  manifest = JSON.parse(readFileSync(join(unpacked, 'manifest.json'), 'utf8'));
  cloud = await startCloudDouble();
});
afterAll(async () => {
  await cloud?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Started {
  client: Client;
  said: () => string;
}

/** As a desktop client starts it, once a person has filled in the form: from the bundle alone, anywhere, with a thin environment. */
async function start(form: Record<string, string | boolean>, home: string): Promise<Started> {
  const launch = await getMcpConfigForManifest({
    manifest,
    extensionPath: unpacked,
    systemDirs: {},
    userConfig: form,
    pathSeparator: '/',
  });
  expect(launch?.command).toBe('node');
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: launch?.args ?? [],
    env: { ...launch?.env, PATH: '/usr/bin:/bin', HOME: home },
    cwd: mkdtempSync(join(folder, 'elsewhere-')),
    stderr: 'pipe',
  });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const client = new Client({ name: 'desktop', version: '1' });
  await client.connect(transport);
  return { client, said: () => said };
}

test('the manifest is valid, and names the product as package.json does', () => {
  expect(v0_3.McpbManifestSchema.parse(manifest)).toEqual(manifest);
  expect(manifest).toMatchObject({
    name: product.name,
    version: product.version,
    description: product.description,
    license: product.license,
    compatibility: { runtimes: product.engines },
  });
  expect(manifest.user_config).toMatchObject({
    skysql_api_key: { type: 'string', sensitive: true, required: false },
    skybackup_api_key: { sensitive: true },
    skybackup_home: { type: 'directory' },
    skybackup_confirm: { default: 'ask' },
    skybackup_read_only: { type: 'boolean', default: false },
  });
  expect(Object.keys(manifest.user_config ?? {})).not.toContain('skybackup_no_install');
  expect(manifest.tools?.map(({ name }) => name)).toEqual(allTools.map(({ name }) => name));
});

test('the bundle holds the program and no packages', () => {
  expect(readdirSync(unpacked).sort()).toEqual(['README.md', 'manifest.json', 'package.json', 'server']);
  expect(readdirSync(join(unpacked, 'server')).filter((name) => !name.endsWith('.js'))).toEqual(['apps']);
  expect(readdirSync(join(unpacked, 'server/apps')).sort()).toEqual(['plan.html', 'timeline.html']);
});

test('with a key it speaks to the cloud, and says nothing about what was left empty', async () => {
  const home = mkdtempSync(join(folder, 'home-'));
  const { client, said } = await start({ skysql_api_key: cloud.key, skysql_api_url: cloud.url }, home);
  try {
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toEqual(allTools.filter(({ needs }) => needs === undefined).map(({ name }) => name));
    const { structuredContent } = await client.callTool({
      name: 'list_backups',
      arguments: { service: 'dbtgf28216706' },
    });
    expect(structuredContent).toMatchObject({ backups: [{ size: '5.3 MB' }] });
  } finally {
    await client.close();
  }
  expect(said()).toBe('');
});

test('what is filled in tightens it', async () => {
  const { client } = await start(
    { skybackup_read_only: true, skybackup_services: 'orders' },
    mkdtempSync(join(folder, 'home-')),
  );
  try {
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toEqual(allTools.filter(({ operation }) => operation === 'read').map(({ name }) => name));
  } finally {
    await client.close();
  }
});

test('with nothing filled in it starts a daemon of this machine, which goes on when the bundle is replaced', async () => {
  const home = mkdtempSync(join(folder, 'h'));
  const { client } = await start({}, home);
  const root = join(home, '.local/state/skybackup');
  const health = () => daemonHealth(homeOf({ SKYBACKUP_HOME: root }));
  try {
    const { structuredContent } = await client.callTool({ name: 'list_services', arguments: {} });
    expect(structuredContent).toMatchObject({ count: 0 });
    const pid = (await health())?.pid ?? 0;
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain(unpacked);
    rmSync(unpacked, { recursive: true });
    expect(existsSync(unpacked)).toBe(false);

    const next = new Client({ name: 'desktop', version: '1' });
    await next.connect(new StdioClientTransport({ ...serverCommand(root), stderr: 'ignore' }));
    const listed = await next.callTool({ name: 'list_storages', arguments: {} });
    await next.close();
    expect(listed.structuredContent).toMatchObject({ storages: [{ name: 'local' }] });
    expect((await health())?.pid).toBe(pid);
  } finally {
    await client.close();
    const pid = (await health())?.pid;
    const daemon = pid === undefined ? undefined : identify(pid);
    if (daemon !== undefined) {
      process.kill(daemon.pid, 'SIGTERM');
      await waitUntilGone(daemon, 60_000);
    }
  }
});
