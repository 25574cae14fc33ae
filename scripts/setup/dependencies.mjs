import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, delimiter, join, sep } from 'node:path';
import { runCommand } from './run-command.mjs';

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, os?: string[], cpu?: string[], libc?: string[], dependencies?: Record<string, string>, devDependencies?: Record<string, string> }} LockedPackage */

/**
 * Why node_modules must be installed again, or undefined when it is whole. npm writes node_modules/.package-lock.json as
 * the last act of an install: that file is the mark of success, compared with package-lock.json and with the folders.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
export function dependencyProblem(root) {
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return existsSync(join(root, 'node_modules')) ? 'the last install did not finish' : 'first run';
  const locked = readPackages(join(root, 'package-lock.json'));
  if (!locked) return 'package-lock.json cannot be read';
  if (!existsSync(join(root, 'node_modules', '.bin', 'node'))) return 'its Node is missing';
  for (const [path, wanted] of Object.entries(locked)) {
    if (path === '') continue;
    const found = installed[path];
    if (!found) {
      if (isNeededHere(wanted)) return `${path.slice('node_modules/'.length)} is missing`;
      continue;
    }
    if (
      found.version !== wanted.version ||
      (found.integrity && wanted.integrity && found.integrity !== wanted.integrity)
    ) {
      return 'package-lock.json changed';
    }
    if (!existsSync(join(root, path, 'package.json'))) return `${path} is damaged`;
  }
  if (Object.keys(installed).some((path) => !locked[path])) return 'package-lock.json changed';
  return undefined;
}

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {import('./report.mjs').Step} step
 */
export async function installDependencies(root, env, step) {
  rmSync(join(root, 'node_modules', '.package-lock.json'), { force: true });
  const [command, ...npm] = npmCommand(root, env);
  // The person's npm settings say how to reach the registry, and that holds; what they say about WHAT to install must not
  // shape this install, whether it comes from an npmrc or, like `npm test --omit=dev`, down the environment.
  const whole = [
    '--include=dev',
    '--include=optional',
    '--ignore-scripts=false',
    '--bin-links',
    '--install-strategy=hoisted',
  ];
  const here = ['--global=false', '--dry-run=false', '--package-lock'];
  // Errors only: npm would complain about engines, for it runs on the machine's Node.
  const quiet = ['--loglevel=error', '--no-audit', '--no-fund', '--no-progress'];
  await runCommand(command, [...npm, 'ci', ...whole, ...here, ...quiet], {
    cwd: root,
    env: innerEnvironment(root, env),
    step,
    shown: 'npm ci',
  });
}

/** @param {string} file @returns {Record<string, LockedPackage> | undefined} */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Optional packages that name platforms are binaries of tools we need, where the platform is ours; other optional ones may be absent.
 *
 * @param {LockedPackage} locked
 */
function isNeededHere(locked) {
  if (!locked.optional && !locked.devOptional) return true;
  if (!locked.os || !locked.cpu || locked.libc) return false;
  return locked.os.includes(process.platform) && locked.cpu.includes(process.arch);
}

/**
 * The machine's own npm on the machine's own Node: the clone's Node is among what an install replaces.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {[string, ...string[]]}
 */
function npmCommand(root, env) {
  const cli = env.npm_execpath;
  if (!cli || basename(cli) !== 'npm-cli.js') return ['npm'];
  const node = env.npm_node_execpath;
  return [node && !node.startsWith(join(root, 'node_modules') + sep) ? node : 'node', cli];
}

/**
 * The environment without what the outer npm put there for its script: the clone's commands in PATH, and settings that
 * `npm ci` refuses when they arrive as variables (`allow-scripts` from an npmrc) or that would move it elsewhere.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
function innerEnvironment(root, env) {
  const own = join(root, 'node_modules') + sep;
  const path = (env.PATH ?? '').split(delimiter).filter((directory) => !`${directory}${sep}`.startsWith(own));
  const misleading =
    /^npm_config_(allow_scripts|workspaces?|include_workspace_root|local_prefix|location|only|omit|json)$/i;
  const kept = Object.entries(env).filter(([name]) => !misleading.test(name));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}
