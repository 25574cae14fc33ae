import { z } from 'zod';

/**
 * What both published revisions of the Backup API say of its answers, as JSON schemas. Where they disagree (names that were
 * changed, fields that one of them lacks) nothing is demanded.
 */
type JsonSchema = Exclude<Parameters<typeof z.fromJSONSchema>[0], boolean>;

const text: JsonSchema = { type: 'string' };
const whole: JsonSchema = { type: 'integer' };
const moment: JsonSchema = { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$' };

const schedule: JsonSchema = {
  type: 'object',
  required: ['id', 'service_id', 'schedule', 'type', 'status', 'message'],
  properties: { id: whole, service_id: text, schedule: text, type: text, status: text, message: text },
};

const backup: JsonSchema = {
  type: 'object',
  required: ['id', 'service_id', 'type', 'method', 'server_pod', 'reference_full_backup', 'start_time', 'status'],
  properties: {
    id: { type: 'string', pattern: '^[0-9a-f]{32}:[^:]+:[^:]+$' },
    service_id: text,
    type: { type: 'string', enum: ['full', 'incremental', 'binarylog', 'dump', 'snapshot'] },
    method: text,
    server_pod: text,
    reference_full_backup: text,
    point_in_time: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2}:\\d{2}$' },
    start_time: moment,
    end_time: moment,
    status: text,
    // One revision's name, and the other's.
    backup_size: whole,
    storage_bytes: whole,
  },
};

const restore: JsonSchema = {
  type: 'object',
  required: ['id', 'service_id', 'bucket', 'type', 'status', 'message'],
  properties: {
    id: whole,
    service_id: text,
    bucket: text,
    type: { type: 'string', enum: ['physical', 'logical'] },
    status: text,
    message: text,
  },
};

const error: JsonSchema = {
  type: 'object',
  required: ['code', 'exception', 'path', 'timestamp', 'trace_id', 'errors'],
  properties: {
    code: whole,
    exception: text,
    path: text,
    timestamp: whole,
    trace_id: text,
    errors: {
      type: 'array',
      minItems: 1,
      items: { type: 'object', required: ['error', 'message'], properties: { error: text, message: text } },
    },
  },
};

const page = (name: string, item: JsonSchema): JsonSchema => ({
  type: 'object',
  required: [name, `${name}_count`, 'pages_count'],
  properties: { [name]: { type: 'array', items: item }, [`${name}_count`]: whole, pages_count: whole },
});

export const documented = {
  schedule: z.fromJSONSchema(schedule),
  schedules: z.fromJSONSchema(page('schedules', schedule)),
  backup: z.fromJSONSchema(backup),
  backups: z.fromJSONSchema(page('backups', backup)),
  restores: z.fromJSONSchema(page('restores', restore)),
  error: z.fromJSONSchema(error),
};
