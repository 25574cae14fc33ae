import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allTools } from '../../src/mcp/tools/all.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { type LocalDaemon, localDaemon } from './local-daemon.ts';
import { eras } from './raw-client.ts';
import { cloudEnvironment, newHome, type ServerCommand, serverCommand } from './server-command.ts';

const inspector = join(import.meta.dirname, '../../node_modules/.bin/mcp-inspector');
let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
let daemon: LocalDaemon;

beforeAll(async () => {
  cloud = await startCloudDouble();
  home = await newHome();
  daemon = await localDaemon();
  await daemon.cli(['services', 'add', 'shop', '--managed', '--no-nightly']);
});
afterAll(async () => {
  await cloud.close();
  await home.remove();
  await daemon.stop();
});

const servers = {
  cloud: {
    server: () => serverCommand(home.home, cloudEnvironment(cloud)),
    tools: allTools.filter(({ needs }) => needs === undefined),
    service: 'dbtgf28216706',
  },
  daemon: { server: () => daemon.mcp(), tools: allTools, service: 'shop' },
};
const providers = Object.keys(servers) as (keyof typeof servers)[];

interface Inspected {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

async function inspect({ command, args, env }: ServerCommand, options: string[]): Promise<Inspected> {
  const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const { exitCode, stdout, stderr } = await execa(inspector, ['--cli', ...options, ...variables, command, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: home.home, MCP_INSPECTOR_SECRET_STORE: 'memory' },
    extendEnv: false,
    reject: false,
    timeout: 60_000,
  });
  return { exitCode, stdout, stderr };
}

describe.each(providers)("the Inspector's command line on a server of a %s", (provider) => {
  const { server, tools, service } = servers[provider];

  describe.each(eras)('%s', (era) => {
    const ask = async (method: string, ...more: string[]): Promise<Record<string, never>> => {
      const { exitCode, stdout, stderr } = await inspect(server(), [
        '--protocol-era',
        era,
        '--method',
        method,
        ...more,
      ]);
      // Whatever it found amiss in a schema, were it only a warning, would stand there.
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      return JSON.parse(stdout);
    };

    it('lists the tools, and finds no fault in their schemas', async () => {
      const listed: { name: string }[] = (await ask('tools/list', '--strict')).tools ?? [];
      expect(listed.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
    });

    it('lists and reads resources', async () => {
      const { resources } = await ask('resources/list');
      expect(resources).toContainEqual(expect.objectContaining({ uri: 'skybackup://backups' }));
      const { resourceTemplates } = await ask('resources/templates/list');
      expect(resourceTemplates).toContainEqual(
        expect.objectContaining({ uriTemplate: 'skybackup://backups/{service_id}' }),
      );
      const { contents } = await ask('resources/read', '--uri', `skybackup://backups/${service}`);
      expect(contents).toMatchObject([{ mimeType: 'application/json' }]);
    });

    it('lists prompts and gets one', async () => {
      const { prompts } = await ask('prompts/list');
      expect(prompts).toContainEqual(expect.objectContaining({ name: 'audit_backups' }));
      const { messages } = await ask('prompts/get', '--prompt-name', 'audit_backups');
      expect(JSON.stringify(messages)).toContain('check_backups');
    });

    it('calls a tool', async () => {
      const { structuredContent } = await ask(
        'tools/call',
        '--tool-name',
        'list_services',
        '--tool-arg',
        `service=${service}`,
      );
      expect(structuredContent).toMatchObject({ services: [{ id: service }] });
    });
  });
});

it('a destructive call of a client that cannot ask answers with the plan and how to approve it', async () => {
  const call = ['--method', 'tools/call', '--tool-name', 'delete_schedule', '--tool-arg', 'id=215'];
  const { exitCode, stdout } = await inspect(servers.cloud.server(), call);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/skybackup approve [2-9A-Z]{4}-[2-9A-Z]{4}/);
  expect(cloud.state.schedules.some(({ id }) => id === 215)).toBe(true);
});
