import { expect, it } from 'vitest';
import { z } from 'zod';
import { inputSchema, readArguments, shallowSchema } from './tool-schema.ts';

const schema = z.strictObject({
  id: z.number().int().min(1),
  name: z.string().max(5).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

it('lists a schema without what says nothing', () => {
  expect(inputSchema(schema)['~standard'].jsonSchema.input({ target: 'draft-2020-12' })).toEqual({
    type: 'object',
    properties: {
      id: { type: 'integer' },
      name: { type: 'string' },
      data: { type: 'object' },
    },
    required: ['id'],
    additionalProperties: false,
  });
});

it('lists an answer as members of a kind, none required', () => {
  const schema = shallowSchema({ id: 'number', rows: 'array', next: 'string' });
  expect(schema['~standard'].jsonSchema.output({ target: 'draft-2020-12' })).toEqual({
    type: 'object',
    properties: {
      id: { type: 'number' },
      rows: { type: 'array' },
      next: { type: 'string' },
    },
  });
});

it('names every fault, and the arguments that exist', () => {
  expect(() => readArguments('some_tool', schema, { id: 'x', name: 'too long', nmae: 1 })).toThrow(
    /id: .*name: .*there is no argument "nmae"; some_tool takes id, name, data/,
  );
  expect(() => readArguments('some_tool', schema, 'text')).toThrow(/not right/);
  expect(() => readArguments('some_tool', schema, {})).toThrow('not right: id is missing.');
  expect(() => readArguments('some_tool', schema, undefined)).toThrow(/id/);
});

it('takes a number written as text where a number belongs, and nowhere else', () => {
  expect(readArguments('some_tool', schema, { id: '200', name: '200' })).toEqual({ id: 200, name: '200' });
  expect(() => readArguments('some_tool', schema, { id: '200x' })).toThrow(/id/);
  expect(() => readArguments('some_tool', schema, { id: '0' })).toThrow(/id/);
  expect(() => readArguments('some_tool', schema, { id: '1.5' })).toThrow(/id/);
});

it('takes what a text can only mean, and refuses the rest', () => {
  const said = z.strictObject({
    type: z.enum(['full', 'dump']).default('full'),
    checks: z.array(z.enum(['quick', 'row_counts'])).default([]),
    tables: z.array(z.string()).optional(),
    suspended: z.boolean().optional(),
  });
  const read = (args: unknown) => readArguments('some_tool', said, args);
  expect(read({ type: 'FULL' })).toEqual({ type: 'full', checks: [] });
  expect(read({ type: 'Full backup', checks: 'quick', suspended: 'True' })).toEqual({
    type: 'full',
    checks: ['quick'],
    suspended: true,
  });
  expect(read({ checks: ['Row counts', 'QUICK'], tables: '["shop.a","shop.b"]' })).toEqual({
    type: 'full',
    checks: ['row_counts', 'quick'],
    tables: ['shop.a', 'shop.b'],
  });
  expect(read({ type: 'dump', tables: null, suspended: null })).toEqual({ type: 'dump', checks: [] });
  for (const wrong of [{ type: 'fullest' }, { type: '' }, { suspended: 'yes' }, { tables: 'a.b, c.d' }, { checks: 1 }])
    expect(() => read(wrong)).toThrow(/not right/);
});
