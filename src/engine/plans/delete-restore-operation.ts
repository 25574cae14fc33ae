import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { parseRequest } from '../../contract/parse-request.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { digestOf } from '../../plans/arguments-digest.ts';
import type { EngineContext } from '../engine-context.ts';
import type { RestoreRow } from '../store/restores-table.ts';
import type { Operation } from './operations.ts';

const RestoreId = z.strictObject({ id: z.int().min(1) });

/** The restore of that id. Throws `not_found`. */
export function findRestore(context: EngineContext, id: number): RestoreRow {
  const row = context.state.restores.get(id);
  if (row === undefined) throw new SkybackupError('not_found', `There is no restore ${id}.`);
  return row;
}

export const deleteRestoreOperation: Operation = {
  normalise(context, input) {
    const { id } = parseRequest(RestoreId, input, 'arguments');
    findRestore(context, id);
    return { id };
  },
  async describe(context, args) {
    const row = findRestore(context, parseRequest(RestoreId, args, 'arguments').id);
    const { id, service_id, backup_id, status, kept_data, kept_until } = row;
    return {
      digest: digestOf({ id, service_id, backup_id, status, kept_data }),
      facts: {
        title: `Delete the record of restore ${id} of service ${service_id}`,
        service_id,
        confirm_id: String(id),
        replaced: `the record of restore ${id} (backup ${backup_id}, ${status})`,
        lost: [`The history of this restore: when it ran, its downtime, what it warned of.`],
        warnings:
          kept_data === undefined
            ? []
            : [
                `The data of before the restore stay in ${kept_data}${kept_until === undefined ? '' : ` until ${toRfc3339(kept_until)}`}; the record that names them goes.`,
              ],
        undo: 'The record cannot be brought back. No data of the service are touched.',
      },
    };
  },
};
