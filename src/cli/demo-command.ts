import { ownEntry } from '../client/start-daemon.ts';
import { runDemo } from './demo/demo.ts';
import type { Terminal } from './terminal.ts';

export interface DemoCommandOptions {
  keep?: boolean;
  s3?: string;
  s3CredentialsFile?: string;
}

/** The demo, in a sandbox of its own. */
export function demo(terminal: Terminal, { keep, s3: path, s3CredentialsFile }: DemoCommandOptions): Promise<number> {
  const person = process.stdin.isTTY === true && process.stdout.isTTY === true;
  // With --json there is nothing but the story to tell; it goes where words go.
  const out = terminal.json ? process.stderr : process.stdout;
  const s3 = path === undefined ? undefined : { path, credentialsFile: s3CredentialsFile };
  return runDemo({ keep: keep === true, s3, out, person, env: terminal.env, entry: ownEntry() });
}
