import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { SkybackupError } from '../contract/errors.ts';

type Json = Record<string, unknown>;

/**
 * A tool's arguments as the SDK lists them, lean: every token is paid by every conversation. They pass unchecked here, because the
 * SDK would word a refusal its own way and without structure; `readArguments` checks them.
 */
export function inputSchema(schema: z.ZodObject): StandardSchemaWithJSON<unknown, unknown> {
  let listed: Json | undefined;
  // Written out when first listed: a server that is only probed does not pay for it.
  return listedAs(() => {
    listed ??= lean(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })) as Json;
    return listed;
  });
}

/** Members of a structured answer and what they are; what is in them is told by the answer itself. */
export type OutputShape = Record<string, 'string' | 'number' | 'boolean' | 'object' | 'string[]' | 'object[]'>;

/** The shape of an answer: nothing required and nothing forbidden, since an error answers under the same schema. */
export function shallowSchema(shape: OutputShape): StandardSchemaWithJSON<unknown, unknown> {
  const properties = Object.entries(shape).map(([name, kind]) => {
    const item = kind.replace('[]', '');
    return [name, kind === item ? { type: item } : { type: 'array', items: { type: item } }];
  });
  return listedAs(() => ({ type: 'object', properties: Object.fromEntries(properties) }));
}

function listedAs(json: () => Json): StandardSchemaWithJSON<unknown, unknown> {
  const jsonSchema = { input: json, output: json };
  return { '~standard': { version: 1, vendor: 'skybackup', validate: (value) => ({ value }), jsonSchema } };
}

/**
 * Drops what says nothing to a model: `$schema`, the bounds of a safe integer, the "anything goes" of open objects, and how
 * long a text may be, which no sensible one reaches. All of it is checked all the same.
 */
function lean(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(lean);
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(
    Object.entries(node).flatMap(([key, value]) => {
      const silent =
        key === '$schema' ||
        (key === 'maxLength' && typeof value === 'number') ||
        (key === 'maximum' && value === Number.MAX_SAFE_INTEGER) ||
        (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) ||
        (key === 'propertyNames' && value !== null) ||
        ((key === 'additionalProperties' || key === 'items') && value !== false && isEmpty(value));
      return silent ? [] : [[key, lean(value)]];
    }),
  );
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Checks arguments; every fault is named in one message, with the arguments that exist beside one that does not. */
export function readArguments(tool: string, schema: z.ZodObject, raw: unknown): Record<string, unknown> {
  const first = schema.safeParse(raw ?? {});
  const read = first.success ? first : schema.safeParse(withNumbers(raw, first.error));
  if (read.success) return read.data;
  const known = Object.keys(schema.shape);
  const faults = read.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const names = issue.keys.slice(0, 5).map((key) => JSON.stringify(key.slice(0, 60)));
      return `there is no argument ${names.join(', ')}; ${tool} takes ${known.length > 0 ? known.join(', ') : 'none'}`;
    }
    return `${issue.path.map(String).join('.') || 'the arguments'}: ${issue.message}`;
  });
  throw new SkybackupError(
    'invalid_request',
    `The arguments of ${tool} are not right: ${faults.slice(0, 8).join('; ')}.`,
  );
}

/** Models write `"200"` where a number belongs; where one was expected and only there, that is what it is. */
function withNumbers(raw: unknown, error: z.ZodError): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const fixed: Record<string, unknown> = { ...raw };
  for (const issue of error.issues) {
    const [key] = issue.path;
    const value = typeof key === 'string' && issue.code === 'invalid_type' && issue.expected === 'number' && fixed[key];
    if (typeof key === 'string' && typeof value === 'string' && /^\s*\d{1,15}(\.\d+)?\s*$/.test(value))
      fixed[key] = Number(value);
  }
  return fixed;
}
