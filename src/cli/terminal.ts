import { SkybackupError, toSkybackupError } from '../contract/errors.ts';
import { redact } from '../contract/redact.ts';
import { cleanText } from '../mcp/clean-text.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** What a command reads and writes: results on stdout, words for people on stderr. */
export interface Terminal {
  json: boolean;
  env: Readonly<Record<string, string | undefined>>;
  /** The result: `words` for people, or `data` with --json. */
  result(data: unknown, words: string | string[]): void;
  /** A value that must come out as it is, such as a new key: alone on its line. */
  secret(data: Record<string, unknown>, value: string): void;
  note(words: string | string[]): void;
  /** Prints what went wrong and what to do next, never a stack; returns the exit code. */
  fail(error: unknown): number;
}

/** The person asked for something that the command line does not offer: exit code 2. */
export class UsageError extends SkybackupError {
  constructor(message: string, hint = 'Run the command with --help.') {
    super('invalid_request', message, { hint });
  }
}

export function openTerminal(json: boolean, env = process.env): Terminal {
  const toStdout = (text: string): void => void process.stdout.write(`${text}\n`);
  const toStderr = (words: string | string[]): void => void process.stderr.write(`${cleanLines(words)}\n`);

  return {
    json,
    env,
    result: (data, words) => toStdout(json ? asJson(data) : cleanLines(words)),
    secret: (data, value) => toStdout(json ? JSON.stringify(data) : value),
    note: toStderr,
    fail(thrown) {
      const error = toSkybackupError(thrown);
      const { code, message, hint } = error;
      const cause = code === 'internal' && thrown instanceof Error ? ` (${thrown.message})` : '';
      toStderr([...`skybackup: ${message}${cause}`.split('\n'), ...hint.split('\n')]);
      if (json) toStdout(asJson({ error: { code, message, hint } }));
      const usage = error instanceof UsageError || code === 'invalid_settings';
      return usage ? exitCodes.usage : exitCodes.failed;
    },
  };
}

/** Lines without secrets and without anything that could repaint a terminal. Gaps of blanks, which columns are made of, stay. */
function cleanLines(words: string | string[]): string {
  const lines = typeof words === 'string' ? words.split('\n') : words;
  const clean = (part: string): string => (/^ *$/.test(part) ? part : redact(cleanText(part, 2000)));
  return lines
    .map((line) =>
      line
        .split(/( {2,}|^ )/)
        .map(clean)
        .join(''),
    )
    .join('\n');
}

function asJson(data: unknown): string {
  return JSON.stringify(data, (_key, value: unknown) => (typeof value === 'string' ? redact(value) : value), 2);
}
