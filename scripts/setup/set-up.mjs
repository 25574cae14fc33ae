import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, buildIsCurrent, entry } from './build.mjs';
import { dependencyProblem, installDependencies } from './dependencies.mjs';
import { takeLock } from './lock.mjs';
import { createReport, StepFailed } from './report.mjs';
import { runCommand } from './run-command.mjs';
import {
  ensureSystemPackages,
  missingPackages,
  missingS3Server,
  missingTestPackages,
  toolDirectories,
} from './system-packages.mjs';

/**
 * Runs every step that is not done yet, in order, and stops at the first that fails.
 * Whatever was interrupted is found unfinished and done again: each step's mark of success is written last.
 *
 * @param {string} root the clone
 * @param {NodeJS.ProcessEnv} env
 * @param {{ tests?: boolean, s3?: boolean }} [wanted] `tests`: also what only the tests need; `s3`: also their S3 server
 * @returns {Promise<number>} the exit code
 */
export async function setUp(root, env, { tests = false, s3 = false } = {}) {
  const report = createReport(process.stdout);
  const release = await takeLock(join(root, '.setup', 'lock'), (pid) =>
    report.note(`another set-up of this clone is running (process ${pid}); waiting for it`),
  );
  try {
    const problem = dependencyProblem(root);
    if (problem) {
      await report.step('npm dependencies', `npm ci (${problem})`, (step) => installDependencies(root, env, step));
    }
    const node = nodeVersion(root);
    if (!/^v24\./.test(node)) {
      throw new StepFailed('Node 24', `node_modules/.bin/node answers "${node || 'nothing'}", not v24.`, [
        'The `node` npm package brings it by an install script. Remove node_modules and run this again;',
        'if npm is set to ignore install scripts, allow them for `node`.',
      ]);
    }
    const missing = [
      ...missingPackages(toolDirectories(env)),
      ...(tests ? missingTestPackages() : s3 ? missingS3Server() : []),
    ];
    if (missing.length > 0) {
      await report.step('system packages', missing.join(' '), (step) =>
        ensureSystemPackages(missing, {
          env,
          run: (command, args, options) => runCommand(command, args, { ...options, step }),
          step,
        }),
      );
    }
    if (!buildIsCurrent(root)) {
      await report.step('build', entry, (step) => build(root, env, step));
    }
    report.done(`Node ${node.slice(1)}, system packages and build are ready`);
    return 0;
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    report.failed(error);
    return 1;
  } finally {
    release();
  }
}

/** @param {string} root */
function nodeVersion(root) {
  const answer = spawnSync(join(root, 'node_modules', '.bin', 'node'), ['-v'], { encoding: 'utf8' });
  return answer.stdout?.trim() ?? '';
}
