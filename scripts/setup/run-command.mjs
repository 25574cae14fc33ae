import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { StepFailed } from './report.mjs';

const tailLines = 30;

/**
 * Runs one command without stdin and returns its output; a failure carries the last lines of it.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, step: import('./report.mjs').Step, shown?: string }} options
 *   `shown`: how the command is named to people
 * @returns {Promise<string>}
 */
export function runCommand(command, args, { cwd, env, step, shown }) {
  const name = shown ?? [command, ...args].join(' ');
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd && { cwd }), ...(env && { env }) });
    /** @param {Buffer} chunk */
    const collect = (chunk) => {
      output = (output + chunk.toString('utf8')).slice(-200_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    // Ended from outside, the child must not go on replacing files behind the next run's back.
    const stop = () => {
      child.kill('SIGTERM');
      process.exit(130);
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const settle = () => process.off('SIGINT', stop).off('SIGTERM', stop);
    child.on('error', (error) => {
      settle();
      reject(new StepFailed(step.name, `${name} could not be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      settle();
      if (code === 0) return resolve(output);
      const lines = stripVTControlCharacters(output).trimEnd().split('\n').slice(-tailLines);
      reject(new StepFailed(step.name, `${name} ended with ${signal ?? `code ${code}`}.`, lines));
    });
  });
}
