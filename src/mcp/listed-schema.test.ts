import { expect, it } from 'vitest';
import { z } from 'zod';
import { listedSchema } from './listed-schema.ts';

const everything = z.strictObject({
  text: z.string().min(2).max(9).describe('Some text'),
  ticket: z.string().regex(/^[A-Z]+$/),
  count: z.number().int().min(1).describe('How many'),
  share: z.number().min(0).max(1).optional(),
  whole: z.int().max(7).optional().describe('Said of the optional'),
  sure: z.boolean().default(false).describe('Said of the default'),
  kind: z.enum(['full', 'dump']).default('full'),
  target: z.literal('new').optional(),
  names: z.array(z.string().max(5)).min(1).max(3).optional(),
  limit: z
    .number()
    .int()
    .optional()
    .transform((wanted = 10) => wanted)
    .describe('At most so many'),
  place: z.strictObject({ storage: z.string() }).optional(),
});

it("writes what the library's own writer does, without what says nothing to a model", () => {
  const { $schema: _, ...theirs } = z.toJSONSchema(everything, { io: 'input' });
  const bounds = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum'];
  const lean = JSON.parse(JSON.stringify(theirs, (key, value) => (bounds.includes(key) ? undefined : value)));
  expect(listedSchema(everything)).toEqual(lean);
});

it('tells who adds a type that it does not know', () => {
  expect(() => listedSchema(z.strictObject({ at: z.date() }))).toThrow('type date');
});
