import { createInterface } from 'node:readline/promises';

/** Whether a person sits at this terminal who can be asked. */
export function personPresent(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks a person for one line; undefined when they end the input instead (Ctrl-D, Ctrl-C). */
export async function askLine(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  lines.once('SIGINT', () => ended.abort());
  try {
    return (await lines.question(question, { signal: ended.signal })).trim();
  } catch {
    process.stderr.write('\n');
    return undefined;
  } finally {
    lines.close();
  }
}
