#!/usr/bin/env node
import { nodeTooOld } from '../client/node-version.ts';
import { openTerminal } from './terminal.ts';

// A reader that has seen enough (`skybackup … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const args = process.argv.slice(2);
const tooOld = nodeTooOld(process.version);
if (tooOld !== undefined) {
  process.stderr.write(`${tooOld}\n`);
  process.exitCode = 2;
} else if (args.length === 1 && args[0] === 'mcp') {
  // The way hosts start it, again and again: nothing is loaded that it does not need.
  const { mcp } = await import('./mcp.ts');
  const terminal = openTerminal(false);
  process.exitCode = await mcp(terminal).catch(terminal.fail);
} else {
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(args);
}
