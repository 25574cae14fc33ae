import { z } from 'zod';
import { serviceIdPattern } from './ids.ts';
import { serviceStatuses } from './status.ts';

/** Keeps a service from restores, stops and whatever lessens its protection; its backups go on. Without `until`: until it is unlocked. */
export const ServiceLock = z.looseObject({
  since: z.string(),
  until: z.string().optional(),
  reason: z.string().optional(),
  by: z.string().optional(),
});
export type ServiceLock = z.infer<typeof ServiceLock>;

export const LockRequest = z.strictObject({
  until: z.iso.datetime({ offset: true, error: 'must be a moment such as 2026-01-31T18:00:00Z' }).optional(),
  reason: z.string().trim().min(1).max(200).optional(),
});
export type LockRequest = z.infer<typeof LockRequest>;

export const ServiceQuery = z.strictObject({
  page_size: z.coerce.number().int().min(1).max(100).optional(),
  page_order: z.enum(['asc', 'desc']).optional(),
  page_token: z.string().max(300).optional(),
});
export type ServiceQuery = z.infer<typeof ServiceQuery>;

/** A service as read. The fields from `control` on are the daemon's own. */
export const Service = z.looseObject({
  id: z.string(),
  name: z.string().optional(),
  status: z.enum(serviceStatuses).catch('unknown'),
  is_active: z.boolean().optional(),
  provider: z.string().optional(),
  region: z.string().optional(),
  topology: z.string().optional(),
  version: z.string().optional(),
  size: z.string().optional(),
  nodes: z.number().optional(),
  fqdn: z.string().optional(),
  endpoints: z.array(z.unknown()).nullish(),
  storage_volume: z.looseObject({ size: z.number().optional() }).nullish(),
  created_on: z.number().optional(),
  control: z.string().optional(),
  datadir: z.string().optional(),
  socket: z.string().optional(),
  port: z.number().int().optional(),
  last_backup_at: z.string().optional(),
  /** The backup that this service is a copy of, made by a restore beside the others. */
  copied_from: z.string().optional(),
  message: z.string().optional(),
  lock: ServiceLock.optional(),
});
export type Service = z.infer<typeof Service>;

export const PowerState = z.strictObject({ is_active: z.boolean() });
export type PowerState = z.infer<typeof PowerState>;

const absolutePath = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^\/[^\0]*$/, 'must be an absolute path');

/** How a server is reached. Passwords come from files the daemon reads, never through the API. */
export const Connection = z
  .strictObject({
    socket: absolutePath.optional(),
    host: z.string().min(1).max(255).optional(),
    port: z.number().int().min(1).max(65_535).optional(),
    user: z.string().min(1).max(128).optional(),
    password_file: absolutePath.optional(),
    defaults_file: absolutePath.optional(),
  })
  .refine((c) => c.socket !== undefined || c.host !== undefined || c.defaults_file !== undefined, {
    message: 'give a socket, a host or a defaults file',
  })
  .refine((c) => c.password_file === undefined || c.defaults_file === undefined, {
    message: 'give either a password file or a defaults file',
  });
export type Connection = z.infer<typeof Connection>;

/** How a server is stopped and started. `managed` servers belong to the daemon. */
export const Control = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('managed') }),
  z.strictObject({ kind: z.literal('systemd'), unit: z.string().regex(/^[A-Za-z0-9@._:-]{1,200}$/) }),
  z.strictObject({ kind: z.literal('command'), stop: z.string().min(1).max(4096), start: z.string().min(1).max(4096) }),
  z.strictObject({ kind: z.literal('none') }),
]);
export type Control = z.infer<typeof Control>;

/** Registering a server with the daemon: an empty managed one, or one that runs already. */
export const RegisterServiceRequest = z
  .strictObject({
    id: z
      .string()
      .regex(serviceIdPattern, 'must be 3 to 32 lower-case letters, digits and dashes, starting with a letter'),
    name: z.string().min(1).max(100).optional(),
    control: Control,
    connection: Connection.optional(),
    datadir: absolutePath.optional(),
    nightly: z.boolean().optional(),
  })
  .refine((r) => (r.control.kind === 'managed') === (r.connection === undefined), {
    message: 'give a connection, unless the service is managed: the daemon then makes its own',
    path: ['connection'],
  });
export type RegisterServiceRequest = z.infer<typeof RegisterServiceRequest>;
