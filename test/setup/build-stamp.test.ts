import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { build, buildIsCurrent } from '../../scripts/setup/build.mjs';

const step = { name: 'build', pause: () => {}, say: () => {} };
let root: string;

function write(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content, { mode });
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skb-build-'));
  const configs = [
    'tsdown.config.ts',
    'scripts/one-file-page.ts',
    'tsconfig.json',
    'package.json',
    'package-lock.json',
  ];
  for (const file of [...configs, 'src/cli/main.ts']) write(file, file);
  // A bundler that copies the entry, with a chunk named after its content.
  write(
    'node_modules/.bin/tsdown',
    `const fs = require('fs');
     const source = fs.readFileSync('src/cli/main.ts', 'utf8');
     if (source.includes('syntax error')) { console.error('main.ts is wrong'); process.exit(1); }
     const out = process.argv[process.argv.indexOf('--out-dir') + 1];
     fs.mkdirSync(out + '/chunks', { recursive: true });
     fs.writeFileSync(out + '/skybackup.js', source);
     fs.writeFileSync(out + '/chunks/' + source.length + '.js', source);`,
  );
  write('node_modules/.bin/node', `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, 0o755);
});
afterEach(() => rmSync(root, { recursive: true }));

test('dist is current after a build, until a source, a config or dist itself changes; tests do not count', async () => {
  expect(buildIsCurrent(root)).toBe(false);
  await build(root, process.env, step);
  expect(buildIsCurrent(root)).toBe(true);
  write('src/cli/main.test.ts', 'a test');
  expect(buildIsCurrent(root)).toBe(true);
  for (const file of ['src/cli/main.ts', 'src/new.ts', 'tsdown.config.ts', 'package.json']) {
    write(file, `changed ${file}`);
    expect(buildIsCurrent(root), file).toBe(false);
    await build(root, process.env, step);
    expect(buildIsCurrent(root), file).toBe(true);
  }
  rmSync(join(root, 'dist'), { recursive: true });
  expect(buildIsCurrent(root)).toBe(false);
});

test('a failed build keeps the old dist, shows the output, and is tried again', async () => {
  await build(root, process.env, step);
  write('src/cli/main.ts', 'syntax error');
  await expect(build(root, process.env, step)).rejects.toMatchObject({ lines: ['main.ts is wrong'] });
  expect(buildIsCurrent(root)).toBe(false);
  write('src/cli/main.ts', 'src/cli/main.ts');
  expect(buildIsCurrent(root)).toBe(true);
});

test('chunks of the build before stay for a day: a running daemon may still load them', async () => {
  await build(root, process.env, step);
  const old = join(root, 'dist/chunks/15.js');
  write('src/cli/main.ts', 'another');
  await build(root, process.env, step);
  utimesSync(old, new Date(), new Date());
  write('src/cli/main.ts', 'a third');
  await build(root, process.env, step);
  const twoDaysAgo = new Date(Date.now() - 48 * 3600 * 1000);
  utimesSync(old, twoDaysAgo, twoDaysAgo);
  write('src/cli/main.ts', 'the fourth one');
  await build(root, process.env, step);
  expect(() => utimesSync(old, new Date(), new Date())).toThrow('ENOENT');
});
