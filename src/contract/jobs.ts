import { z } from 'zod';

/** Work in progress on the daemon: which service and lane, how far. Bytes are uncompressed bytes read or written. */
export const Job = z.looseObject({
  id: z.number().int(),
  kind: z.string(),
  service_id: z.string(),
  lane: z.string(),
  status: z.string(),
  phase: z.string().optional(),
  message: z.string().optional(),
  bytes: z.number().optional(),
  total_bytes: z.number().optional(),
  bytes_per_second: z.number().optional(),
  eta_seconds: z.number().optional(),
  error: z.looseObject({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
  schedule_id: z.number().int().optional(),
  backup_id: z.string().optional(),
  restore_id: z.number().int().optional(),
  created_at: z.string(),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
});
export type Job = z.infer<typeof Job>;
