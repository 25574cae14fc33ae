import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const source = resolve(import.meta.dirname, '../src');

/** Who may import whom. The MCP side knows a Backup API and never the engine, so that it cannot tell a cloud from a daemon. */
const allowed: Record<string, string[]> = {
  contract: [],
  plans: ['contract'],
  health: ['contract'],
  storages: ['contract'],
  client: ['contract', 'health', 'storages'],
  mcp: ['contract', 'plans', 'storages', 'client'],
  engine: ['contract', 'plans', 'health', 'storages'],
  daemon: ['contract', 'plans', 'engine', 'mcp'],
  cli: ['contract', 'plans', 'storages', 'client', 'mcp', 'engine', 'daemon'],
};

/** Specifiers of every static, type-only, re-exporting and dynamic import, and of `require`. Comments do not count. */
function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const specifiers = [...code.matchAll(/\b(?:from|import|require)\s*\(?\s*(['"`])([^'"`\n]+)\1/g)].map(
    ([, , s]) => s ?? '',
  );
  const computed = [...code.matchAll(/(?<![.\w])import\s*\(\s*([^'"\s][^)]*)\)/g)].map(
    ([, what]) => `computed: ${what}`,
  );
  return [...specifiers, ...computed];
}

/** Blanks `//` and block comments, but not what looks like one inside a string, template or regular expression. */
function withoutComments(text: string): string {
  const token =
    /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<=[=(,:!&|?{;]\s*)\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//g;
  return text.replace(token, (match) => (match.startsWith('//') || match.startsWith('/*') ? ' ' : match));
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((item) => item.isFile() && item.name.endsWith('.ts'))
    .map((item) => relative(source, join(item.parentPath, item.name)));
}

/** Sentences naming each arrow from `file` (relative to src) that is not allowed. */
function wrongArrows(file: string, text: string): string[] {
  const layer = file.split(sep)[0] ?? '';
  return importsOf(text).flatMap((specifier) => {
    if (specifier.startsWith('computed: ')) return [`${file} imports what cannot be read: ${specifier}`];
    if (!specifier.startsWith('.')) return [];
    const target = relative(source, resolve(source, dirname(file), specifier));
    if (target.startsWith('..')) {
      return target === `..${sep}package.json` ? [] : [`${file} leaves src: ${specifier}`];
    }
    const other = target.split(sep)[0] ?? '';
    return other === layer || allowed[layer]?.includes(other)
      ? []
      : [`${file} imports ${target}: ${layer} must not know ${other}`];
  });
}

const files = filesUnder(source);

describe('layers', () => {
  test('no import goes against the arrows of the design', () => {
    const product = files.filter((file) => !file.endsWith('.test.ts'));
    expect(product.length).toBeGreaterThan(20);
    expect(product.flatMap((file) => wrongArrows(file, readFileSync(join(source, file), 'utf8')))).toEqual([]);
  });

  test('every file belongs to a layer that has rules', () => {
    expect(files.filter((file) => !Object.hasOwn(allowed, file.split(sep)[0] ?? ''))).toEqual([]);
  });

  test.each([
    ["import { a } from '../engine/a.ts';", 'engine'],
    ["import type { A } from '../engine/a.ts';", 'engine'],
    ["import {\n  a,\n  b,\n} from '../daemon/a.ts';", 'daemon'],
    ["export * from '../engine/a.ts';", 'engine'],
    ["export type { A } from '../engine/a.ts';", 'engine'],
    ["import '../engine/a.ts';", 'engine'],
    ["const a = await import('../engine/a.ts');", 'engine'],
    ["type A = import('../engine/a.ts').A;", 'engine'],
    ['const a = await import(`../engine/a.ts`);', 'engine'],
    ["const url = 'https://x'; import { a } from '../engine/a.ts';", 'engine'],
    ["const quote = /['\"`]/; import { a } from '../engine/a.ts'; // '", 'engine'],
    ["import { a } from '../../test/doubles/a.ts';", 'leaves src'],
    ['const a = await import(name);', 'cannot be read'],
  ])('the reader sees %j', (text, named) => {
    expect(wrongArrows(join('mcp', 'x.ts'), text).join()).toContain(named);
  });

  test.each([
    "// import { a } from '../engine/a.ts';",
    "/* import { a } from\n '../engine/a.ts'; */",
    "import { a } from '../contract/a.ts';\nimport { b } from './b.ts';\nimport { c } from 'zod';",
  ])('the reader is not misled by %j', (text) => {
    expect(wrongArrows(join('mcp', 'x.ts'), text)).toEqual([]);
  });
});

describe('the pages of MCP Apps', () => {
  const pages = files.filter((file) => file.startsWith(join('mcp', 'apps', 'pages')));

  test('run in a browser: whatever they import of ours imports nothing of Node', () => {
    const reached = new Set(pages);
    for (const file of reached) {
      const imports = valuesOf(readFileSync(join(source, file), 'utf8'));
      expect(imports.filter((specifier) => specifier.startsWith('node:'))).toEqual([]);
      for (const specifier of imports.filter((each) => each.startsWith('.')))
        reached.add(relative(source, resolve(source, dirname(file), specifier)));
    }
    expect(pages.length).toBeGreaterThan(5);
    expect([...reached].filter((file) => file.startsWith('client') || file.startsWith('engine'))).toEqual([]);
  });

  test('put nothing in as markup', () => {
    const markup = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|createContextualFragment|DOMParser/;
    expect(pages.filter((file) => markup.test(readFileSync(join(source, file), 'utf8')))).toEqual([]);
  });

  /** What is imported at run time: types are gone by then. */
  function valuesOf(text: string): string[] {
    return [...withoutComments(text).matchAll(/^import (?!type\b)[^;]*?'([^']+)';/gm)].map(([, name]) => name ?? '');
  }
});

describe('what is loaded late', () => {
  test('the SDK of S3: by the first request to a bucket, and by no start', () => {
    const loaders = files.filter((file) => /from '@aws-sdk\//.test(readFileSync(join(source, file), 'utf8')));
    expect(loaders).toEqual([join('engine', 'storage', 's3', 'sdk.ts')]);
    const early = files.filter((file) =>
      /^import (?!type)[^;]*\/sdk\.ts'/m.test(readFileSync(join(source, file), 'utf8')),
    );
    expect(early).toEqual([]);
  });
});

describe('a thing is named for what it is', () => {
  test('no folder or file for whatever fits nowhere', () => {
    const vague = /(^|\/)(utils?|common|helpers?|misc|shared|managers?)(\/|\.ts$)/;
    expect(files.filter((file) => vague.test(file.replaceAll(sep, '/')))).toEqual([]);
  });

  test('no file over 300 lines', () => {
    const lengths = files.map((file) => ({
      file,
      lines: readFileSync(join(source, file), 'utf8').split('\n').length - 1,
    }));
    expect(lengths.filter(({ lines }) => lines > 300)).toEqual([]);
  });
});
