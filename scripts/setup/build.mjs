import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { takeLock } from './lock.mjs';
import { runCommand } from './run-command.mjs';

export const entry = 'dist/skybackup.js';
const stamp = '.setup/built-from';
const next = '.setup/next-dist';
const keepOldFilesMs = 24 * 3600 * 1000;

/**
 * Whether dist/ was built from exactly these sources: content is compared, for a checkout changes times at will.
 *
 * @param {string} root
 */
export function buildIsCurrent(root) {
  try {
    return existsSync(join(root, entry)) && readFileSync(join(root, stamp), 'utf8') === sourcesDigest(root);
  } catch {
    return false;
  }
}

/**
 * `build` under the clone's lock, unless dist/ is current: for whoever needs the built command and is not the set-up.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {{ always?: boolean }} [options]
 */
export async function ensureBuilt(root, env, { always = false } = {}) {
  const release = await takeLock(join(root, '.setup', 'lock'), () => {});
  try {
    if (always || !buildIsCurrent(root)) await build(root, env, { name: 'build', pause: () => {}, say: () => {} });
  } finally {
    release();
  }
}

/**
 * Builds beside dist/ and moves the files in one by one: a daemon or MCP server that runs from dist/ meanwhile may still load
 * its own chunks (their names carry a hash of their content), so files of earlier builds are kept for a day.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {import('./report.mjs').Step} step
 */
export async function build(root, env, step) {
  const digest = sourcesDigest(root);
  const from = join(root, next);
  const to = join(root, 'dist');
  rmSync(from, { recursive: true, force: true });
  const tsdown = realpathSync(join(root, 'node_modules', '.bin', 'tsdown'));
  await runCommand(join(root, 'node_modules', '.bin', 'node'), [tsdown, '--out-dir', next, '--logLevel', 'warn'], {
    cwd: root,
    // The bundler resolves `node` conditions by NODE_ENV; a developer's own value must not change what is built.
    env: { ...env, NODE_ENV: 'production' },
    step,
    shown: 'tsdown',
  });
  const files = filesUnder(from);
  // The entry last: it names chunks that must be there by then.
  for (const file of files.sort((a, b) => Number(a === 'skybackup.js') - Number(b === 'skybackup.js'))) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    renameSync(join(from, file), join(to, file));
  }
  for (const file of filesUnder(to)) {
    if (!files.includes(file) && Date.now() - statSync(join(to, file)).mtimeMs > keepOldFilesMs) rmSync(join(to, file));
  }
  rmSync(from, { recursive: true, force: true });
  writeFileSync(join(root, stamp), digest);
}

/** @param {string} root */
function sourcesDigest(root) {
  const hash = createHash('sha256');
  const sources = filesUnder(join(root, 'src')).filter((file) => !file.endsWith('.test.ts'));
  for (const file of [
    ...sources.map((f) => join('src', f)),
    'tsdown.config.ts',
    'scripts/one-file-page.ts',
    'tsconfig.json',
    'package.json',
    'package-lock.json',
  ]) {
    const content = readFileSync(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** @param {string} directory @returns {string[]} relative paths, sorted */
function filesUnder(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((item) =>
      item.isDirectory() ? filesUnder(join(directory, item.name)).map((f) => join(item.name, f)) : [item.name],
    )
    .sort();
}
