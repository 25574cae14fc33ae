import { SkybackupError } from '../contract/errors.ts';

type Exact = Record<string, unknown>;

const service = ({ service_id }: Exact): string => `list_services with service "${service_id}"`;
const schedule = ({ id }: Exact): string => `list_schedules with id ${id}`;

/** Which read tells whether a change was made whose answer was lost. */
const looks: Record<string, (exact: Exact) => string> = {
  create_backup: ({ service_id }) => `list_schedules with service "${service_id}"`,
  create_schedule: ({ service_id }) => `list_schedules with service "${service_id}"`,
  update_schedule: schedule,
  delete_schedule: schedule,
  restore_backup: ({ service_id }) => `list_restores with service "${service_id}"`,
  delete_restore: ({ id }) => `list_restores with id ${id}`,
  start_service: service,
  stop_service: service,
};

/** An error after which nobody knows whether the change was made, with the call that tells; any other as it is. */
export function withWhereToLook(error: unknown, tool: string, exact: unknown): unknown {
  if (!(error instanceof SkybackupError) || error.details.may_be_done !== true || exact === undefined) return error;
  const look = looks[tool]?.(exact as Exact);
  if (look === undefined) return error;
  const { code, message, status, details, traceId } = error;
  return new SkybackupError(code, message, {
    cause: error,
    status,
    details,
    retryable: false,
    hint: `Nobody knows yet whether it was done. Do not repeat the call: first ${look} tells, a minute from now once more. Offer to repeat it only when it was not done.`,
    ...(traceId === undefined ? {} : { traceId }),
  });
}
