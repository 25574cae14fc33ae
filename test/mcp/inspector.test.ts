import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { allTools } from '../../src/mcp/tools/all.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const inspector = join(import.meta.dirname, '../../node_modules/.bin/mcp-inspector');
let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };

beforeAll(async () => {
  cloud = await startCloudDouble();
  home = await newHome();
});
afterAll(async () => {
  await cloud.close();
  await home.remove();
});

async function inspect(
  ...options: string[]
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  const { command, args, env } = serverCommand(home.home, cloudEnvironment(cloud));
  const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const result = await execa(inspector, ['--cli', ...options, ...variables, command, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: home.home },
    extendEnv: false,
    reject: false,
    timeout: 60_000,
  });
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

it.each(['legacy', 'modern'])(
  "the Inspector's command line lists the tools and finds no fault in their schemas (%s)",
  async (era) => {
    const { exitCode, stdout, stderr } = await inspect('--protocol-era', era, '--strict', '--method', 'tools/list');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout).tools).toHaveLength(allTools.filter(({ needs }) => needs === undefined).length);
  },
);

it.each(['legacy', 'modern'])('the Inspector calls a tool (%s)', async (era) => {
  const call = ['--method', 'tools/call', '--tool-name', 'list_backups', '--tool-arg', 'service=dbtgf28216706'];
  const { exitCode, stdout } = await inspect('--protocol-era', era, ...call);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout).structuredContent.backups[0].size).toBe('5.3 MB');
});

it('a destructive call of a client that cannot ask answers with the plan and how to approve it', async () => {
  const call = ['--method', 'tools/call', '--tool-name', 'delete_schedule', '--tool-arg', 'id=215'];
  const { exitCode, stdout } = await inspect(...call);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/skybackup approve [2-9A-Z]{4}-[2-9A-Z]{4}/);
  expect(cloud.state.schedules.some(({ id }) => id === 215)).toBe(true);
});
