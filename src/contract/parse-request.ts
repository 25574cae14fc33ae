import type { z } from 'zod';
import { SkybackupError } from './errors.ts';

const mostIssues = 5;

/** The value as its schema reads it, or `invalid_request` naming each wrong or unknown field. Values are never quoted: they may be secrets. */
export function parseRequest<S extends z.ZodType>(schema: S, value: unknown, where: string): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, mostIssues).map((issue) => {
    const path = issue.path.map(String).join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  const more = result.error.issues.length - issues.length;
  throw new SkybackupError(
    'invalid_request',
    `The ${where} cannot be used: ${issues.join('; ').slice(0, 1000)}${more > 0 ? `; and ${more} more` : ''}.`,
  );
}
