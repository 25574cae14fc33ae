import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, type Tool } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageCommands, testPackageFiles } from '../../scripts/setup/system-packages.mjs';
import { clientBlocks, type Launch } from '../../src/cli/demo/client-blocks.ts';
import { daemonEnvironment } from '../../src/client/daemon-environment.ts';
import { confirmModes, settingNames } from '../../src/client/settings-table.ts';
import { readCredentials } from '../../src/contract/credentials.ts';
import { homeOf } from '../../src/contract/home.ts';
import { ObjectLock } from '../../src/contract/storages.ts';
import { roles } from '../../src/daemon/auth/roles.ts';
import { backupPrivileges } from '../../src/engine/mariadb/privileges.ts';
import { isLatest } from '../../src/mcp/find/backup.ts';
import { readMoment } from '../../src/mcp/find/moment.ts';
import { sessionLimits } from '../../src/mcp/http/sessions.ts';
import { allPrompts } from '../../src/mcp/prompts/all.ts';
import { promptsInMarkdown, resourcesInMarkdown, settingsInMarkdown, toolsInMarkdown } from './tables.ts';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const entry = join(root, 'dist/skybackup.js');
let home: string;
let tools: Tool[];
let templates: string[];
let prompts: string[];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'skb-readme-'));
  const client = new Client({ name: 'readme', version: '1' });
  const { skybackup } = (
    JSON.parse(readFileSync(join(root, 'mcp.json'), 'utf8')) as { mcpServers: Record<string, Launch> }
  ).mcpServers;
  if (skybackup === undefined) throw new Error('mcp.json names no server "skybackup"');
  await client.connect(new StdioClientTransport({ ...skybackup, cwd: root, env: { SKYBACKUP_HOME: home } }));
  tools = (await client.listTools()).tools;
  templates = (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate);
  templates.push(...(await client.listResources()).resources.map(({ uri }) => uri));
  prompts = (await client.listPrompts()).prompts.map(({ name }) => name);
  await client.close();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function between(marker: string): string {
  return readme.split(`<!-- ${marker} -->`)[1]?.split(`<!-- /${marker} -->`)[0]?.trim() ?? '';
}

describe('tables', () => {
  test('of settings, as the program checks them', () => {
    expect(between('settings')).toBe(settingsInMarkdown());
  });

  test('of tools, as the server that mcp.json starts lists them', () => {
    expect(between('tools')).toBe(toolsInMarkdown(tools));
  });

  test('of tools: those that the cloud has not are named', async () => {
    const client = new Client({ name: 'readme', version: '1' });
    const env = { SKYBACKUP_HOME: home, SKYSQL_API_KEY: 'a-key-of-nobody' };
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [entry, 'mcp'], env }));
    const cloud = (await client.listTools()).tools.map(({ name }) => name);
    await client.close();
    const named = [...(/^Only with a daemon: (.+)\.$/m.exec(readme)?.[1] ?? '').matchAll(/`(\w+)`/g)];
    const missing = tools.map(({ name }) => name).filter((name) => !cloud.includes(name));
    expect(named.map(([, name]) => name).sort()).toEqual(missing.sort());
  });

  test('of resources, as they are defined', () => {
    expect(between('resources')).toBe(resourcesInMarkdown());
  });

  test('of prompts, as they are defined; the server that mcp.json starts lists them all', () => {
    expect(between('prompts')).toBe(promptsInMarkdown());
    expect(prompts).toEqual(allPrompts.map(({ name }) => name));
  });

  test('of approvals: every mode of SKYBACKUP_CONFIRM but the default has its row', () => {
    const modes = [...readme.matchAll(/SKYBACKUP_CONFIRM=(\w+)/g)].map(([, mode]) => mode);
    expect(new Set(modes)).toEqual(new Set(confirmModes.filter((mode) => mode !== 'ask')));
  });
});

test('the grants are the ones that a backup is checked for, and no more', () => {
  expect(/^GRANT (.+) ON \*\.\* TO/m.exec(readme)?.[1]?.split(', ')).toEqual([...backupPrivileges]);
});

describe('over HTTP', () => {
  const section = readme.split('\n## Over HTTP')[1]?.split('\n## ')[0] ?? '';

  test('the limits of sessions are the ones that hold', () => {
    const { idleMs, sessionsOfOne, sessions } = sessionLimits;
    expect(section).toContain(`ends after ${idleMs / 60_000} minutes`);
    expect(section).toContain(`a key has at most ${sessionsOfOne}, all keys together ${sessions}.`);
  });

  test('every role has its row', () => {
    expect([...section.matchAll(/^\| (\w+) \| (?!tools)/gm)].map(([, role]) => role)).toEqual(roles);
  });
});

describe('where backups go', () => {
  const section = readme.split('## Where backups go')[1]?.split('\n## ')[0] ?? '';

  test('the credentials file is one that is read, and every key in it counts', () => {
    const ini = /```ini\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
    const { kind, ...values } = readCredentials(ini);
    expect(kind).toBe('s3');
    expect(Object.values(values)).toEqual([...ini.matchAll(/= (.+)$/gm)].map(([, value]) => value));
    expect(readCredentials(`${ini}aws_session_token = token\n`)).toMatchObject({ session_token: 'token' });
    const two = `${ini.replace('[default]', '[a]')}\n${ini.replace('[default]', '[b]').replace('AKIA', 'BKIA')}`;
    expect(() => readCredentials(two)).toThrow('several profiles');
    expect(readCredentials(two, 'b')).toMatchObject({ access_key_id: expect.stringMatching(/^BKIA/) });
    expect(readCredentials(`${two}\n${ini}`)).toEqual(readCredentials(ini));
  });

  test('a daemon that a client started gets the variables that are named, and no credentials', () => {
    const named = /only ((?:`\w+`(?:, | and a )?)+)/.exec(section)?.[1]?.match(/\w+(?=`)/g) ?? [];
    const asked = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'GOOGLE_APPLICATION_CREDENTIALS', 'SKYSQL_API_KEY', ...named];
    const given = daemonEnvironment(
      homeOf({ SKYBACKUP_HOME: home }),
      Object.fromEntries(asked.map((name) => [name, '/x'])),
    );
    const { SKYBACKUP_HOME: _, ...handedDown } = given;
    expect(Object.keys(handedDown).sort()).toEqual(named.sort());
  });

  test('an object lock, a default and a storage are asked for as they are shown', () => {
    expect(ObjectLock.safeParse({ mode: 'governance', days: 30 }).success).toBe(true);
    expect(ObjectLock.safeParse({ mode: 'compliance', days: 30 }).success).toBe(true);
    for (const tool of ['create_backup', 'create_schedule']) {
      const properties = tools.find(({ name }) => name === tool)?.inputSchema.properties ?? {};
      expect(Object.keys(properties)).toContain('storage');
      expect(Object.keys(properties).join()).not.toMatch(/path|bucket|credential|external/);
    }
  });
});

describe('what the README names exists', () => {
  test('pages', () => {
    const named = [...readme.matchAll(/\]\((docs\/[^)]+)\)/g)].map(([, path = '']) => path);
    expect(named).toContain('docs/repository-format.md');
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('resources', () => {
    const named = [...readme.matchAll(/`((?:skybackup|ui):\/\/[^`]+)`/g)].map(([, uri]) => uri);
    expect(new Set(named)).toEqual(new Set(templates));
  });

  test('settings', () => {
    const named = new Set([...readme.matchAll(/\bSKY(?:SQL|BACKUP)_[A-Z_]*[A-Z]\b/g)].map(([name]) => name));
    expect([...named].filter((name) => !settingNames.includes(name))).toEqual([]);
  });

  test('npm scripts', () => {
    const named = [...readme.matchAll(/(?:^|`)npm (?:run )?([a-z][a-z:-]*)/gm)].map(([, name]) => name ?? '');
    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((name) => manifest.scripts[name] === undefined)).toEqual([]);
  });

  test('system packages', () => {
    expect(readme).toContain(`\`${Object.keys(packageCommands).join(' ')}\``);
    expect(readme).toContain(`\`${Object.keys(testPackageFiles).join(' ')}\``);
  });

  test('files of the clone', () => {
    for (const file of ['mcp.json', 'bench/README.md', '.ci/run', 'dist/skybackup.js', 'node_modules/.bin/node']) {
      expect(readme).toContain(file);
      expect(existsSync(join(root, file)), file).toBe(true);
    }
  });

  test('commands, with every option that is shown', () => {
    const shown = [...readme.matchAll(/^skybackup (.+)$|`skybackup ([^`]+)`/gm)].map(([, a, b]) =>
      (a ?? b ?? '').split(' '),
    );
    expect(shown.length).toBeGreaterThan(6);
    for (const words of shown) {
      const end = words.findIndex((word) => /^[-<\d]/.test(word));
      const command = words
        .slice(0, end < 0 ? words.length : end)
        .filter((word) => !['orders', 'orders-copy', 'sandbox', 'local', 'prod-s3', 'usb'].includes(word));
      const help = spawnSync(process.execPath, [entry, ...command, '--help'], {
        encoding: 'utf8',
        env: { SKYBACKUP_HOME: home, PATH: process.env.PATH },
      });
      expect(help.status, `skybackup ${command.join(' ')} --help: ${help.stderr}`).toBe(0);
      expect(help.stdout).toContain(`skybackup ${command.join(' ')}`);
      for (const option of words.filter((word) => word.startsWith('--'))) expect(help.stdout).toContain(option);
    }
  });
});

test('moments and backups are read as they are said, and what is refused is', () => {
  const row = (what: string): string[] =>
    [...(new RegExp(`^\\| a ${what} \\| (.+) \\|$`, 'm').exec(readme)?.[1] ?? '').matchAll(/`([^`]+)`/g)].map(
      ([, words]) => words ?? '',
    );
  const now = new Date('2026-11-25T12:00:00Z');
  expect(row('moment').length).toBeGreaterThan(5);
  for (const words of row('moment')) expect(readMoment('it', words, now).getTime()).toBeLessThanOrEqual(now.getTime());
  expect(row('backup')).toHaveLength(3);
  for (const words of row('backup')) expect(isLatest(words)).toBe(true);
  const refused = [...(/^Refused, with what may be meant: (.+)$/m.exec(readme)?.[1] ?? '').matchAll(/`([^`]+)`/g)];
  expect(refused).toHaveLength(3);
  for (const [, words = ''] of refused) expect(() => readMoment('it', words, now)).toThrow(/clear/);
});

describe('blocks for clients', () => {
  const launch = {
    command: '/path/to/skybackup/node_modules/.bin/node',
    args: ['/path/to/skybackup/dist/skybackup.js', 'mcp'],
  };

  test.each(clientBlocks(launch))('$client: the same as the demo prints', ({ text }) => {
    expect(readme).toContain(text);
  });

  const blocks = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  const servers = blocks.flatMap((text) => {
    const { mcpServers, servers }: Record<string, Record<string, Partial<Launch>>> = JSON.parse(text);
    return Object.values({ ...mcpServers, ...servers }).filter(({ command }) => command !== undefined);
  });

  test('one for each client and each provider is there', () => {
    expect(servers.length).toBeGreaterThanOrEqual(6);
    for (const name of ['SKYSQL_API_KEY_FILE', 'SKYSQL_API_KEY', 'SKYBACKUP_URL'])
      expect(servers.some(({ env = {} }) => env[name] !== undefined)).toBe(true);
  });

  test.each(servers)('block %#: a server starts so, and speaks to the provider that is meant', async (server) => {
    const key = join(home, 'key');
    writeFileSync(key, 'a-key-of-nobody\n', { mode: 0o600 });
    // What a client fills in by itself: a variable or its default, and what it asked for.
    const filled = JSON.stringify(server)
      .replace(/\$\{\w+:-([^}]*)\}/g, '$1')
      .replace(/\$\{input:[\w-]+\}/g, 'a-key-of-nobody')
      .replace(/\/home\/you\/[\w./-]+/g, key)
      .replaceAll('/path/to/skybackup', root);
    const { command = '', args = [], env = {} }: Partial<Launch> = JSON.parse(filled);
    const client = new Client({ name: 'readme', version: '1' });
    await client.connect(new StdioClientTransport({ command, args, env: { ...env, SKYBACKUP_HOME: home } }));
    const instructions = client.getInstructions();
    const listed = (await client.listTools()).tools.map(({ name }) => name);
    await client.close();
    const cloud = Object.keys(env).some((name) => name.startsWith('SKYSQL_'));
    expect(instructions).toContain(cloud ? 'MariaDB Cloud' : 'skybackup daemon');
    expect(listed.includes('undo_restore')).toBe(!cloud);
  });

  test("mcp.json is the same, for clients that start in the clone, and the Inspector's command line lists the tools by it", () => {
    const inspector = join(root, 'node_modules/.bin/mcp-inspector');
    const answer = execFileSync(
      inspector,
      ['--cli', '--config', join(root, 'mcp.json'), '--server', 'skybackup', '--method', 'tools/list'],
      { cwd: root, encoding: 'utf8', env: { ...process.env, SKYBACKUP_HOME: home } },
    );
    const listed = (JSON.parse(answer) as { tools: { name: string }[] }).tools.map(({ name }) => name);
    expect(listed).toEqual(tools.map(({ name }) => name));
  });
});
