import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { packExtension } from '@anthropic-ai/mcpb';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { build } from 'tsdown';
import { command, pages } from '../../tsdown.config.ts';
import { bundleManifest, type Offered, type Product, programFolder } from './manifest.ts';

const root = resolve(import.meta.dirname, '../..');

/** Builds the product and packs it for desktop clients: `<folder>/skybackup-<version>.mcpb`. Answers its path. */
export async function makeBundle(folder: string): Promise<string> {
  const product: Product = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const stage = mkdtempSync(join(tmpdir(), 'skybackup-bundle-'));
  try {
    const program = join(stage, programFolder);
    // dist/ keeps files of earlier builds for a day; a bundle has those of this one.
    process.env.NODE_ENV = 'production';
    for (const part of [command, ...pages])
      await build({ ...part, config: false, cwd: root, outDir: program, logLevel: 'warn' });
    // Else Node guesses the kind of each file, and says so.
    writeJson(join(stage, 'package.json'), { name: product.name, version: product.version, type: 'module' });
    writeJson(join(stage, 'manifest.json'), bundleManifest(product, await offeredBy(join(program, 'skybackup.js'))));
    cpSync(join(root, 'README.md'), join(stage, 'README.md'));
    const bundle = join(folder, `${product.name}-${product.version}.mcpb`);
    mkdirSync(folder, { recursive: true });
    if (!(await packExtension({ extensionPath: stage, outputPath: bundle, silent: true })))
      throw new Error(`The bundle was not packed: "mcpb pack ${stage}" says why.`);
    return bundle;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** What the server offers when nothing is set: a form shows it before anything is filled in. Listing starts nothing. */
async function offeredBy(entry: string): Promise<Offered> {
  const client = new Client({ name: 'bundle', version: '1' });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [entry, 'mcp'], env: {} }));
  try {
    const { tools } = await client.listTools();
    return {
      tools: tools.map(({ name, title }) => ({ name, description: title ?? name })),
      prompts: client.getServerCapabilities()?.prompts !== undefined,
    };
  } finally {
    await client.close();
  }
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
