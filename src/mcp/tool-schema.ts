import type { StandardSchemaWithJSON, Tool } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import { SkybackupError } from '../contract/errors.ts';
import { listedSchema } from './listed-schema.ts';

type Json = Record<string, unknown>;

/**
 * A tool's arguments as the SDK lists them, lean: every token is paid by every conversation. They pass unchecked here, because the
 * SDK would word a refusal its own way and without structure; `readArguments` checks them.
 */
export function inputSchema(schema: z.ZodObject): StandardSchemaWithJSON<unknown, unknown> {
  let listed: Json | undefined;
  // Written out when first listed: a server that is only probed does not pay for it.
  return listedAs(() => {
    listed ??= listedSchema(schema);
    return listed;
  });
}

/** Members of a structured answer and what they are; what is in them is told by the answer itself. */
export type OutputShape = Record<string, 'string' | 'number' | 'boolean' | 'object' | 'array'>;

/** The shape of an answer: nothing required and nothing forbidden, since an error answers under the same schema. */
export function shallowSchema(shape: OutputShape): StandardSchemaWithJSON<unknown, unknown> {
  const properties = Object.entries(shape).map(([name, type]) => [name, { type }]);
  return listedAs(() => ({ type: 'object', properties: Object.fromEntries(properties) }));
}

function listedAs(json: () => Json): StandardSchemaWithJSON<unknown, unknown> {
  const jsonSchema = { input: json, output: json };
  return { '~standard': { version: 1, vendor: 'skybackup', validate: (value) => ({ value }), jsonSchema } };
}

/** Both as they stand in a list of tools. */
export function listedSchemas(schemas: {
  inputSchema: StandardSchemaWithJSON;
  outputSchema: StandardSchemaWithJSON;
}): Pick<Tool, 'inputSchema' | 'outputSchema'> {
  const json = (schema: StandardSchemaWithJSON): Json =>
    schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
  // Both are written for objects alone.
  return { inputSchema: json(schemas.inputSchema), outputSchema: json(schemas.outputSchema) } as Pick<
    Tool,
    'inputSchema' | 'outputSchema'
  >;
}

/** Checks arguments; every fault is named in one message, with the arguments that exist beside one that does not. */
export function readArguments(tool: string, schema: z.ZodObject, raw: unknown): Record<string, unknown> {
  const given = withoutNulls(raw ?? {});
  const first = schema.safeParse(given);
  const read = first.success ? first : schema.safeParse(mended(given, first.error));
  if (read.success) return read.data;
  const known = Object.keys(schema.shape);
  const faults = read.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const names = issue.keys.slice(0, 5).map((key) => JSON.stringify(key.slice(0, 60)));
      return `there is no argument ${names.join(', ')}; ${tool} takes ${known.length > 0 ? known.join(', ') : 'none'}`;
    }
    const name = issue.path.map(String).join('.') || 'the arguments';
    const [place] = issue.path;
    const isMissing =
      issue.path.length === 1 && typeof given === 'object' && given !== null && !Object.hasOwn(given, String(place));
    return isMissing ? `${name} is missing` : `${name}: ${issue.message}`;
  });
  throw new SkybackupError(
    'invalid_request',
    `The arguments of ${tool} are not right: ${faults.slice(0, 8).join('; ')}.`,
  );
}

/** Some models fill every argument in, with null where they have nothing to say. */
function withoutNulls(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw;
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null));
}

/** What was meant by a text where something else belongs, wherever only one thing can be: `"200"`, `"Full backup"`, `"true"`. */
function mended(raw: unknown, error: z.ZodError): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const fixed: Record<string, unknown> = { ...raw };
  for (const issue of error.issues) {
    const [key, place] = issue.path;
    if (typeof key !== 'string') continue;
    const value = fixed[key];
    if (typeof value === 'string' && place === undefined) fixed[key] = mend(value, issue);
    else if (Array.isArray(value) && typeof place === 'number' && issue.path.length === 2) {
      fixed[key] = value.map((each, at) => (at === place && typeof each === 'string' ? mend(each, issue) : each));
    }
  }
  return fixed;
}

function mend(text: string, issue: z.core.$ZodIssue): unknown {
  const word = text.trim().toLowerCase();
  if (issue.code === 'invalid_value') {
    const meant = issue.values.filter((value) => folded(String(value)) === folded(word));
    return meant.length === 1 ? meant[0] : text;
  }
  if (issue.code !== 'invalid_type') return text;
  if (issue.expected === 'number' && /^\d{1,15}(\.\d+)?$/.test(word)) return Number(word);
  if (issue.expected === 'boolean' && /^(true|false)$/.test(word)) return word === 'true';
  if (issue.expected === 'array') return listOf(text);
  return text;
}

/** `Full backup` is `full`, `Row counts` is `row_counts`. */
function folded(word: string): string {
  return word
    .toLowerCase()
    .replace(/[^a-z]/g, '')
    .replace(/(?<=.)backups?$/, '');
}

/** A list that was written as JSON within a text, or its only member. */
function listOf(text: string): unknown {
  if (!text.trim().startsWith('[')) return text.includes(',') ? text : [text];
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
