import type { z } from 'zod';

type Json = Record<string, unknown>;
type Schema = z.core.$ZodType;

/**
 * Arguments as a model reads them, in JSON Schema and lean: without `$schema`, and without bounds of numbers, texts and lists, which
 * no sensible one reaches. All of it is checked all the same. The library's own writer knows every type there is,
 * and with it a server needs a tenth longer to list its tools.
 */
export function listedSchema(schema: Schema): Json {
  const { def } = schema._zod as { def: z.core.$ZodTypes['_zod']['def'] };
  const written = write(def, schema);
  const { description } = schema as z.ZodType;
  return description === undefined ? written : { ...written, description };
}

function write(def: z.core.$ZodTypes['_zod']['def'], schema: Schema): Json {
  switch (def.type) {
    case 'string':
      return { type: 'string', ...formOf(schema) };
    case 'number':
      return { type: 'number', ...formOf(schema) };
    case 'boolean':
      return { type: 'boolean' };
    case 'enum':
      return { type: 'string', enum: Object.values(def.entries) };
    case 'literal':
      return { type: typeof def.values[0], const: def.values[0] };
    case 'array':
      return { type: 'array', items: listedSchema(def.element) };
    case 'record':
      return { type: 'object' };
    case 'object':
      return object(def);
    case 'optional':
      return listedSchema(def.innerType);
    case 'default':
      return { default: def.defaultValue, ...listedSchema(def.innerType) };
    // What is made of it afterwards is ours.
    case 'pipe':
      return listedSchema(def.in);
    default:
      throw new Error(`Arguments of type ${def.type} are not listed yet: say here how.`);
  }
}

function object({ shape }: z.core.$ZodObjectDef): Json {
  const members = Object.entries(shape);
  const required = members.filter(([, member]) => member._zod.optin === undefined).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(members.map(([name, member]) => [name, listedSchema(member)])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

/** Of its checks, those that are listed: a whole number, and a pattern. */
function formOf({ _zod: { def } }: Schema): Json {
  // A type such as an integer is its own first check.
  const checks = [def, ...(def.checks ?? []).map((check) => check._zod.def)] as z.core.$ZodChecks['_zod']['def'][];
  return Object.assign({}, ...checks.map(listedForm));
}

function listedForm(def: z.core.$ZodChecks['_zod']['def']): Json {
  if (def.check === 'number_format') return { type: 'integer' };
  return def.check === 'string_format' && def.pattern !== undefined ? { pattern: def.pattern.source } : {};
}
