import { resolve } from 'node:path';
import { ensureBuilt } from '../../scripts/setup/build.mjs';
import { StepFailed } from '../../scripts/setup/report.mjs';

/**
 * Once before all tests: the command under test is built from the present sources, on the Node that the repository pins,
 * and nothing of the developer's own settings can drive a test.
 */
export async function setup(): Promise<void> {
  if (!process.version.startsWith('v24.')) {
    throw new Error(`The tests run on Node 24, and this is ${process.version}. Start them with "npm test".`);
  }
  for (const name of Object.keys(process.env)) {
    if (/^(SKYSQL|SKYBACKUP)_/.test(name)) delete process.env[name];
  }
  try {
    await ensureBuilt(resolve(import.meta.dirname, '../..'), process.env);
  } catch (error) {
    const output = error instanceof StepFailed ? `\n${error.lines.join('\n')}` : '';
    throw new Error(`The command under test could not be built: ${error}${output}`, { cause: error });
  }
}
