import { z } from 'zod';
import { approvalMeta } from '../../page-names.ts';

// Compiled parsers are made by what the page's policy forbids.
z.config({ jitless: true });

const Plan = z.object({
  code: z.string(),
  expires: z.string(),
  title: z.string(),
  confirm_id: z.string(),
  replaced: z.string().optional(),
  replaced_by: z.string().optional(),
  recovery_point: z.string().optional(),
  size: z.string().optional(),
  takes_about: z.string().optional(),
  expected_downtime: z.string().optional(),
  lost: z.array(z.string()),
  keeps: z.array(z.string()).optional(),
  warnings: z.array(z.string()),
  undo: z.string(),
});
export type Plan = z.output<typeof Plan>;

/** An answer that waits for a person. */
export const Planned = z.object({
  structuredContent: z.object({ status: z.literal('needs_approval'), plan: Plan, approve_with: z.string() }),
  _meta: z.object({ [approvalMeta]: z.object({ plan: z.string(), nonce: z.string() }).optional() }).optional(),
});
export type Planned = z.output<typeof Planned>;
