import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const entry = fileURLToPath(new URL('../../dist/skybackup.js', import.meta.url));

export interface CliOutcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  env?: Record<string, string>;
  /** Written to stdin, which then ends. */
  input?: string;
  cwd?: string;
}

/** The environment without any setting of ours: a developer's own key must never drive a test. */
export function cleanEnvironment(env: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !/^SKY(SQL|BACKUP)/i.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...env };
}

/** Runs the built command line to its end. */
export function runCli(args: string[], options: CliOptions = {}): Promise<CliOutcome> {
  return run(process.execPath, [entry, ...args], options);
}

/** Runs it on a pseudo-terminal: `input` is typed, and what it prints comes back in `stdout`. */
export function runCliAtTerminal(args: string[], options: CliOptions = {}): Promise<CliOutcome> {
  const command = [process.execPath, entry, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return run('script', ['-q', '-e', '-c', command, '/dev/null'], options);
}

function run(program: string, args: string[], { env, input, cwd }: CliOptions): Promise<CliOutcome> {
  const child = spawn(program, args, { env: cleanEnvironment(env), ...(cwd === undefined ? {} : { cwd }) });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
