import { z } from 'zod';

/** Bumped when a daemon's API changes in a way an older client cannot follow. */
export const contractRevision = 1;

/** `/healthz` of the daemon. `idle` means no job runs and no plan waits: it may be asked to restart. */
export const Healthz = z.looseObject({
  ok: z.boolean(),
  version: z.string(),
  contract: z.number().int(),
  /** Identifies this daemon's state; plans are bound to it. */
  instance: z.string(),
  pid: z.number().int(),
  idle: z.boolean(),
  started_by: z.enum(['client', 'person']).optional(),
});
export type Healthz = z.infer<typeof Healthz>;
