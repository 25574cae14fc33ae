import { z } from 'zod';

/** The contract's error body, read tolerantly: `timestamp` may be text, every part may be missing. */
export const ErrorBody = z.looseObject({
  code: z.number().optional(),
  exception: z.string().optional(),
  path: z.string().optional(),
  timestamp: z.union([z.number(), z.string()]).optional(),
  trace_id: z.string().optional(),
  errors: z
    .array(
      z.looseObject({
        error: z.string().optional(),
        message: z.string().optional(),
        solution: z.string().optional(),
        /** The daemon's own: whether the same call may succeed later unchanged. */
        retryable: z.boolean().optional(),
      }),
    )
    .nullish(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
