import { resolve } from 'node:path';
import { defineConfig, type UserConfig } from 'tsdown';
import { oneFilePage } from './scripts/one-file-page.ts';

/** What hosts start again and again, and often twice: the program, which then loads its server. */
const program = resolve(import.meta.dirname, 'src/cli/main.ts');
const mcp = resolve(import.meta.dirname, 'src/cli/mcp.ts');

/**
 * What `skybackup mcp` loads before it can answer comes in a few files instead of dozens: each costs about as much as the
 * code in it. What other commands share with it stays apart from the MCP library, which only this one needs.
 */
const startOfMcp = [
  { name: 'zod', parts: /[\\/]node_modules[\\/]zod[\\/]/ },
  { name: 'shared', parts: /[\\/]src[\\/](?!mcp[\\/]|cli[\\/]mcp\.ts)/ },
  { name: 'mcp', parts: /./ },
];

const groups = startOfMcp.map(({ name, parts }, place) => ({
  debugName: name,
  // What one takes with it, no later one gets.
  priority: startOfMcp.length - place,
  name(id: string, context: { getModuleInfo(id: string): { importedIds: readonly string[] } | null }): string | null {
    atStart ??= staticClosure([program, mcp], (module) => context.getModuleInfo(module)?.importedIds ?? []);
    return atStart.has(id) && id !== program && parts.test(id) ? name : null;
  },
}));
let atStart: Set<string> | undefined;

function staticClosure(starts: string[], importsOf: (id: string) => readonly string[]): Set<string> {
  const reached = new Set(starts);
  for (const id of reached) for (const imported of importsOf(id)) reached.add(imported);
  return reached;
}

export const command: UserConfig = {
  entry: { skybackup: 'src/cli/main.ts' },
  outDir: 'dist',
  format: 'esm',
  fixedExtension: false,
  platform: 'node',
  target: 'node22.19',
  dts: false,
  // Everything is bundled: the daemon outlives the MCP process and must survive the cleaning of a package cache.
  deps: { alwaysBundle: [/.*/], onlyBundle: false, onlyImport: [/^node:/] },
  outputOptions: {
    // A fifth less to read at each start; licences stay.
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: { groups },
  },
  clean: true,
};

/** The pages of MCP Apps: one HTML file each, which loads nothing. */
export const pages = ['timeline', 'plan'].map((name): UserConfig => {
  const folder = resolve(import.meta.dirname, 'src/mcp/apps/pages', name);
  return {
    entry: { [name]: resolve(folder, 'main.ts') },
    outDir: 'dist',
    format: 'iife',
    platform: 'browser',
    target: 'es2023',
    dts: false,
    minify: true,
    deps: { alwaysBundle: [/.*/], onlyBundle: false },
    plugins: [oneFilePage(name, resolve(folder, `${name}.html`))],
    clean: false,
  };
});

export default defineConfig([command, ...pages]);
