import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dependencyProblem, installDependencies } from '../../scripts/setup/dependencies.mjs';

const project = resolve(import.meta.dirname, '../..');
const step = { name: 'npm dependencies', pause: () => {}, say: () => {} };
let root: string;

const packages = {
  'node_modules/node': { version: '24.0.0', integrity: 'sha512-a' },
  'node_modules/zod': { version: '4.6.7', integrity: 'sha512-b' },
  'node_modules/fsevents': { version: '2.0.0', optional: true, os: ['darwin'], cpu: ['arm64'] },
  'node_modules/binding': { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] },
};

function write(path: string, content: unknown): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
}

/** What a finished `npm ci` leaves here. */
function install(): void {
  const { 'node_modules/fsevents': _, ...here } = packages;
  for (const path of Object.keys(here)) write(join(path, 'package.json'), {});
  write('node_modules/.bin/node', '');
  write('node_modules/.package-lock.json', { packages: here });
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skb-deps-'));
  write('package-lock.json', { packages: { '': { devDependencies: { node: '24.0.0' } }, ...packages } });
});
afterEach(() => rmSync(root, { recursive: true }));

describe('when dependencies are installed again', () => {
  test('not while they are whole', () => {
    install();
    expect(dependencyProblem(root)).toBeUndefined();
  });

  test('in a bare clone', () => {
    expect(dependencyProblem(root)).toBe('first run');
  });

  test('after an install that was interrupted', () => {
    install();
    rmSync(join(root, 'node_modules/.package-lock.json'));
    expect(dependencyProblem(root)).toBe('the last install did not finish');
  });

  test('when the lock file names another version, a new package, or no longer one that is there', () => {
    install();
    const changed = { ...packages, 'node_modules/zod': { version: '4.6.8', integrity: 'sha512-c' } };
    write('package-lock.json', { packages: changed });
    expect(dependencyProblem(root)).toBe('package-lock.json changed');
    write('package-lock.json', { packages: { ...packages, 'node_modules/new': { version: '1.0.0' } } });
    expect(dependencyProblem(root)).toBe('new is missing');
    const { 'node_modules/zod': _, ...fewer } = packages;
    write('package-lock.json', { packages: fewer });
    expect(dependencyProblem(root)).toBe('package-lock.json changed');
  });

  test('when a folder was removed by hand, or the platform binary was left out', () => {
    install();
    rmSync(join(root, 'node_modules/zod'), { recursive: true });
    expect(dependencyProblem(root)).toBe('node_modules/zod is damaged');
    const { 'node_modules/fsevents': _f, 'node_modules/binding': _b, ...bare } = packages;
    write('node_modules/zod/package.json', {});
    write('node_modules/.package-lock.json', { packages: bare });
    expect(dependencyProblem(root)).toBe('binding is missing');
  });

  test('not in this clone: its own node_modules is whole', () => {
    expect(dependencyProblem(project)).toBeUndefined();
  });
});

describe('the inner npm', () => {
  /** An npm that writes down how it was called. */
  function fakeNpm(): string {
    const cli = join(root, 'npm-cli.js');
    write(
      'npm-cli.js',
      `require('fs').writeFileSync(${JSON.stringify(join(root, 'called.json'))}, JSON.stringify({ args: process.argv.slice(2), env: process.env }))`,
    );
    return cli;
  }

  test("is the outer one, with the person's registry but not with what was said about the outer call", async () => {
    const env = {
      PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`,
      npm_execpath: fakeNpm(),
      npm_node_execpath: process.execPath,
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_allow_scripts: 'left-pad',
      npm_config_omit: 'dev',
      NPM_CONFIG_WORKSPACES: 'true',
    };
    await installDependencies(root, env, step);
    const called = JSON.parse(readFileSync(join(root, 'called.json'), 'utf8'));
    expect(called.args).toEqual(expect.arrayContaining(['ci', '--include=dev', '--ignore-scripts=false']));
    expect(called.env.npm_config_registry).toBe('http://127.0.0.1:9/');
    expect(called.env).not.toHaveProperty('npm_config_allow_scripts');
    expect(called.env).not.toHaveProperty('npm_config_omit');
    expect(called.env).not.toHaveProperty('NPM_CONFIG_WORKSPACES');
    expect(called.env.PATH).not.toContain(join(root, 'node_modules'));
  });

  test('takes the mark of success away first, so that a cut-off install is seen', async () => {
    install();
    const cli = join(root, 'npm-cli.js');
    write('npm-cli.js', 'console.log("npm error network"); process.exit(7)');
    const env = { PATH: process.env.PATH, npm_execpath: cli, npm_node_execpath: process.execPath };
    await expect(installDependencies(root, env, step)).rejects.toMatchObject({
      message: 'npm ci ended with code 7.',
      lines: ['npm error network'],
    });
    expect(dependencyProblem(root)).toBe('the last install did not finish');
  });
});

describe('the script as it is started', () => {
  test('names the first failing step with its output, and exits 1', () => {
    const bin = join(root, 'bin');
    write('bin/npm', '#!/bin/sh\necho "npm error code ENOTFOUND"\nexit 1\n');
    chmodSync(join(bin, 'npm'), 0o755);
    for (const file of [
      'setup.mjs',
      ...['set-up', 'build', 'dependencies', 'lock', 'report', 'run-command', 'system-packages'].map(
        (n) => `setup/${n}.mjs`,
      ),
    ]) {
      write(join('scripts', file), readFileSync(join(project, 'scripts', file), 'utf8'));
    }
    const run = spawnSync(process.execPath, [join(root, 'scripts/setup.mjs')], {
      env: { PATH: `${bin}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    expect(run.status).toBe(1);
    expect(run.stdout).toContain('npm dependencies: npm ci ended with code 1.');
    expect(run.stdout).toContain('npm error code ENOTFOUND');
    expect(run.stdout).toContain('Set-up stopped at "npm dependencies"');
    expect(existsSync(join(root, '.setup/lock'))).toBe(false);
  });

  test('imports nothing but Node and its neighbours: it runs before node_modules exists', () => {
    const run = spawnSync('grep', ['-rhoE', '--include=*.mjs', "from '[^']+'", join(project, 'scripts')], {
      encoding: 'utf8',
    });
    const imported = [...new Set(run.stdout.trim().split('\n'))];
    expect(imported.length).toBeGreaterThan(5);
    expect(imported.filter((line) => !/^from '(node:|\.\/)/.test(line))).toEqual([]);
  });
});
