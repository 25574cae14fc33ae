import { ownEntry } from '../client/start-daemon.ts';
import { runDemo } from './demo/demo.ts';
import type { Terminal } from './terminal.ts';

/** The demo, in a sandbox of its own. */
export function demo(terminal: Terminal, { keep }: { keep?: boolean }): Promise<number> {
  const person = process.stdin.isTTY === true && process.stdout.isTTY === true;
  // With --json there is nothing but the story to tell; it goes where words go.
  const out = terminal.json ? process.stderr : process.stdout;
  return runDemo({ keep: keep === true, out, person, env: terminal.env, entry: ownEntry() });
}
