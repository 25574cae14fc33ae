// What the MCP side adds: `list_backups` through MCP, client and daemon, beside the GET it makes, sent by undici alone to the same socket.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { RawClient } from '../test/mcp/raw-client.ts';
import { makeCatalogue } from './catalogue-home.ts';
import { compare, median, numberOption } from './measure.ts';

const calls = numberOption('calls', 20);
const entry = join(resolve(import.meta.dirname, '..'), 'dist', 'skybackup.js');
const root = mkdtempSync(join(tmpdir(), 'skb-bench-'));
const { home } = makeCatalogue(join(root, 'home'), numberOption('backups', 1000));
const env = { PATH: process.env.PATH ?? '', HOME: root, SKYBACKUP_HOME: home.root };
const path = '/skybackup/v1/backups?page=1&page_size=25&order=desc';

/** The median of so many of them, one after the other. */
const each = (call: () => Promise<void>) => async (): Promise<number> => {
  const times: number[] = [];
  for (let i = 0; i < calls; i += 1) {
    const since = performance.now();
    await call();
    times.push(performance.now() - since);
  }
  return median(times);
};

async function answers(daemon: ChildProcess, agent: Agent): Promise<void> {
  while (daemon.exitCode === null) {
    const answer = await request('http://daemon/healthz', { dispatcher: agent }).catch(() => undefined);
    if (answer !== undefined) return answer.body.dump();
    await delay(20);
  }
  throw new Error(`the daemon ended at its start: ${readFileSync(home.log, 'utf8').slice(-2000)}`);
}

const agent = new Agent({ connect: { socketPath: home.socket } });
const daemon = spawn(process.execPath, [entry, 'serve'], { env, stdio: 'ignore' });
let client: RawClient | undefined;
try {
  await answers(daemon, agent);
  client = await RawClient.start({ command: process.execPath, args: [entry, 'mcp'], env }, 'legacy');
  const mcp = client;
  console.log(
    `list_backups, median of ${calls} calls:  MCP on stdio, client and daemon  |  the GET by undici alone  |  ratio`,
  );
  await compare(
    {
      name: 'list_backups',
      run: each(async () => {
        const { data } = await mcp.call('list_backups', { limit: 25 });
        if (!Array.isArray(data.backups) || data.backups.length < 5) throw new Error(JSON.stringify(data));
      }),
    },
    {
      name: 'GET /skybackup/v1/backups',
      run: each(async () => {
        const { statusCode, body } = await request(`http://daemon${path}`, { dispatcher: agent });
        const list = (await body.json()) as { backups?: unknown };
        if (statusCode !== 200 || !Array.isArray(list.backups)) throw new Error(JSON.stringify(list));
      }),
    },
    numberOption('rounds', 30),
    2,
  );
} finally {
  await client?.close();
  daemon.kill('SIGTERM');
  if (daemon.exitCode === null) await once(daemon, 'exit');
  await agent.destroy();
  rmSync(root, { recursive: true, force: true });
}
