import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Provider } from '../client/backup-api.ts';
import { errorTable, type SkybackupError, toSkybackupError } from '../contract/errors.ts';
import type { AuditRecord } from './audit/audit.ts';
import { outwardData, outwardText } from './outward.ts';

/** What a tool says: in words and as data. Hosts drop one or the other, so each must be enough alone. */
export interface ToolAnswer {
  /** Lines; empty ones are left out. */
  text: (string | undefined)[];
  data: Record<string, unknown>;
  warnings?: string[];
  /** What to do now, naming the tool and the ids it needs. */
  next?: string | undefined;
}

/** Longest line and value that leaves: 2,000 tokens are all an answer may cost. */
const maxText = 1200;

export function toResult(answer: ToolAnswer, record?: AuditRecord): CallToolResult {
  const { warnings = [], next } = answer;
  const lines = [
    ...answer.text,
    ...warnings.map((warning) => `Warning: ${warning}`),
    next === undefined ? undefined : `Next: ${next}`,
  ];
  const data = {
    ...answer.data,
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(next === undefined ? {} : { next }),
  };
  record?.done(answer.data);
  return {
    content: [{ type: 'text', text: wordsOf(lines) }],
    structuredContent: outwardData(data, maxText),
  };
}

/** The one place that words an error for a model: what happened, what to do, whether to try again. Never a stack or a cause. */
export function answerError(thrown: unknown, provider: Provider, record?: AuditRecord): CallToolResult {
  const error = toSkybackupError(thrown);
  record?.failed(error);
  const hint = hintOf(error, provider);
  const retry = error.retryable
    ? error.retryAfterSeconds === undefined
      ? 'The same call may succeed later.'
      : `Wait ${error.retryAfterSeconds} s, then repeat the call.`
    : 'The same call will fail again.';
  return {
    isError: true,
    content: [
      {
        type: 'text',
        text: wordsOf([`${error.message} [${error.code}]`, hint, error.traceId && `Trace id: ${error.traceId}`, retry]),
      },
    ],
    structuredContent: outwardData(
      {
        error: {
          code: error.code,
          message: error.message,
          hint,
          retryable: error.retryable,
          retry_after_seconds: error.retryAfterSeconds,
          trace_id: error.traceId,
          ...error.details,
        },
      },
      maxText,
    ),
  };
}

/** The table's words are for a daemon, which can cancel a job. */
function hintOf(error: SkybackupError, provider: Provider): string {
  return provider.kind === 'cloud' && error.code === 'conflict' && error.hint === errorTable.conflict.hint
    ? 'The cloud cancels nothing: wait until the running work has ended (wait_for follows it), then call again.'
    : error.hint;
}

function wordsOf(lines: (string | undefined)[]): string {
  return lines
    .flatMap((line) => (line ? line.split('\n') : []))
    .map(indented)
    .join('\n');
}

/** Cleaning folds white space; a list's indent is ours and stays. */
function indented(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return indent + outwardText(line, maxText);
}
