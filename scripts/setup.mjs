// Makes a bare clone ready: npm dependencies, Node 24, system packages, build. Runs before `npm test` and `npm run demo`.
// `--tests`: also what only the tests need.
// It starts on the machine's own Node (20 or newer) while node_modules may not exist: plain JavaScript, nothing outside `node:`.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup/set-up.mjs';

process.exitCode = await setUp(dirname(dirname(fileURLToPath(import.meta.url))), process.env, {
  tests: process.argv.includes('--tests'),
});
