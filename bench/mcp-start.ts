// How long an MCP client waits: from spawn to the answered tools/list, beside a bare server of the same SDK.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'tsdown';
import { command } from '../tsdown.config.ts';
import { compare, median, numberOption } from './measure.ts';

const root = resolve(import.meta.dirname, '..');
const built = join(root, '.setup', 'bench');
const home = mkdtempSync(join(tmpdir(), 'skb-bench-'));
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^SKY(SQL|BACKUP)_/.test(name)));
const requests = [
  {
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
  },
  { method: 'notifications/initialized' },
  { id: 1, method: 'tools/list' },
];

/** Resident memory (MiB) of each run, by file, read once the tools are listed. */
const memory = new Map<string, number[]>();

function start(file: string, args: string[]): () => Promise<number> {
  return () =>
    new Promise((done, failed) => {
      const since = performance.now();
      const child = spawn(process.execPath, [file, ...args], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...environment, SKYBACKUP_HOME: home },
      });
      let text = '';
      let took: number | undefined;
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (took !== undefined || !/"id":1[,}]/.test(text)) return;
        took = performance.now() - since;
        memory.set(file, [...(memory.get(file) ?? []), residentMiB(child.pid)]);
        child.stdin.end();
      });
      child.on('error', failed);
      child.on('exit', (code) => {
        if (took !== undefined && text.includes('"tools":[')) done(took);
        else failed(new Error(`${file} ended with code ${code} before it listed tools: ${text.slice(0, 500)}`));
      });
      for (const request of requests) child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...request })}\n`);
    });
}

function residentMiB(pid: number | undefined): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

try {
  await build({
    ...command,
    config: false,
    cwd: root,
    entry: { 'bare-server': 'bench/bare-server.ts' },
    outDir: built,
    logLevel: 'warn',
  });
  const ours = join(root, 'dist', 'skybackup.js');
  const bare = join(built, 'bare-server.js');
  console.log('MCP start, spawn to answered tools/list:  skybackup mcp  |  bare server  |  ratio');
  await compare(
    { name: 'skybackup mcp', run: start(ours, ['mcp']) },
    { name: 'bare v2 SDK server, one tool', run: start(bare, []) },
    numberOption('rounds', 15),
    1.2,
  );
  for (const [file, values] of memory)
    console.log(`  ${file.slice(root.length + 1)}: ${median(values).toFixed(0)} MiB resident`);
} finally {
  rmSync(home, { recursive: true, force: true });
}
