import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloudDouble } from '../doubles/cloud.ts';

/** The built command line, as it is installed. */
export const command = join(import.meta.dirname, '../../dist/skybackup.js');

export interface ServerCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/** A home of its own for each test; removed by `remove`. */
export async function newHome(): Promise<{ home: string; remove: () => Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'skm-'));
  return { home, remove: () => rm(home, { recursive: true, force: true }) };
}

/** The MCP server as a host would spawn it. Nothing is inherited: a developer's own key must never drive a test. */
export function serverCommand(home: string, env: Record<string, string> = {}): ServerCommand {
  return {
    command: process.execPath,
    args: [command, 'mcp'],
    env: { PATH: process.env.PATH ?? '', HOME: home, SKYBACKUP_HOME: home, ...env },
  };
}

export function cloudEnvironment(cloud: CloudDouble): Record<string, string> {
  return { SKYSQL_API_KEY: cloud.key, SKYSQL_API_URL: cloud.url };
}
