import { z } from 'zod';
import { parseRequest } from '../../contract/parse-request.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { digestOf } from '../../plans/arguments-digest.ts';
import { deletable } from '../retention/delete-backup.ts';
import type { Operation } from './operations.ts';
import { bytesInWords } from './words.ts';

const BackupId = z.strictObject({ id: z.string().min(1).max(300) });

export const deleteBackupOperation: Operation = {
  normalise(context, input) {
    const { id } = parseRequest(BackupId, input, 'arguments');
    deletable(context, id);
    return { id };
  },
  async describe(context, args) {
    const { serviceId, backup } = deletable(context, parseRequest(BackupId, args, 'arguments').id);
    const { id, type, state, to, bytes } = backup;
    const last = context.state.backups.lastGood(serviceId);
    const moment = toRfc3339(new Date(to));
    const logs =
      type === 'binarylog'
        ? [
            'The moments that these binary logs hold, and those after them up to the next backup, cannot be restored any more.',
          ]
        : [];
    return {
      digest: digestOf({ id, type, state, bytes, last: last?.id }),
      facts: {
        title: `Delete the ${type} backup ${id} of service ${serviceId}`,
        service_id: serviceId,
        // Nobody types a hundred characters; these tell a service's backups apart.
        confirm_id: id.slice(0, 8),
        replaced: `${type} backup of ${moment}, ${bytesInWords(bytes)}`,
        size_bytes: bytes,
        lost: [`The data of ${serviceId} as of ${moment} can no longer be restored from it.`, ...logs],
        warnings: last === undefined ? [`${serviceId} has no good backup.`] : [],
        undo: 'It cannot be brought back.',
      },
    };
  },
};
