import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const source = resolve(import.meta.dirname, '../../src');

/** What a file loads as soon as it is loaded: neither types nor what it imports in a call. */
function loads(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^'";]*?\bfrom\s+)?'([^']+)'/gm)].map(
    ([, name]) => name ?? '',
  );
}

function loadedAtStart(file: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(file)) return seen;
  const names = loads(file);
  seen.set(file, names);
  for (const name of names) if (name.startsWith('.')) loadedAtStart(join(dirname(file), name), seen);
  return seen;
}

it('an MCP server that is only probed builds no schema of the contract and loads no library but its own two', () => {
  const files = loadedAtStart(join(source, 'cli/mcp.ts'));
  expect(files.size).toBeGreaterThan(40);
  const schemas = [...files].filter(([file, names]) => file.includes('/contract/') && names.includes('zod'));
  expect(schemas.map(([file]) => relative(source, file))).toEqual([]);
  const libraries = [...new Set([...files.values()].flat())].filter((name) => !name.startsWith('.'));
  const own = (name: string): boolean => name === 'zod' || name.startsWith('@modelcontextprotocol/server');
  expect(libraries.filter((name) => !name.startsWith('node:') && !own(name))).toEqual([]);
  // Of Node's own modules those that take long.
  for (const slow of ['crypto', 'sqlite', 'http', 'https', 'net', 'tls', 'child_process']) {
    expect(libraries).not.toContain(`node:${slow}`);
  }
});
