// `npm run build`: dist/ anew, whether the sources changed or not.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from './setup/build.mjs';
import { createReport, StepFailed } from './setup/report.mjs';

try {
  await ensureBuilt(dirname(dirname(fileURLToPath(import.meta.url))), process.env, { always: true });
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  createReport(process.stdout).failed(error);
  process.exitCode = 1;
}
