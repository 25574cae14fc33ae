import { checkCron, once } from '../../contract/cron.ts';
import { parseRequest } from '../../contract/parse-request.ts';
import { ScheduleRequest } from '../../contract/schedules.ts';
import { kindFor } from '../jobs/backup-kinds.ts';
import { findService } from '../services/find-service.ts';
import type { Operation } from './operations.ts';
import { serviceDigest } from './target-digest.ts';

/** Of a schedule only what a plan can be about: backups to a registered storage. */
const StoredElsewhere = ScheduleRequest.pick({ service_id: true, backup_type: true, schedule: true, storage: true })
  .required()
  .strict();

/** Backups to a place that is new to a service: whoever can read there can read all of its data from then on. */
export const createScheduleOperation: Operation = {
  normalise(context, input) {
    const { service_id, schedule, storage, backup_type } = parseRequest(StoredElsewhere, input, 'arguments');
    const service = findService(context.state, service_id);
    context.storages.at(storage);
    // What cannot be is refused before a person is asked.
    kindFor(service, backup_type);
    return {
      service_id: service.id,
      backup_type,
      schedule: schedule === once ? once : checkCron(schedule),
      storage,
    };
  },
  async describe(context, args, ownJob) {
    const { service_id, schedule, storage, backup_type } = parseRequest(StoredElsewhere, args, 'arguments');
    const service = findService(context.state, service_id);
    const { url } = context.storages.at(storage);
    const when = schedule === once ? 'now' : `by "${schedule}" (UTC)`;
    return {
      digest: await serviceDigest(context, service, ownJob, { storage: url }),
      facts: {
        title: `Send backups of service ${service.id} to storage ${storage} for the first time (${backup_type}, ${when})`,
        service_id: service.id,
        confirm_id: service.id,
        replaced_by: `${storage}: ${url}`,
        lost: [`Whoever can read ${url} can read all data of ${service.id} from then on.`],
        warnings: [],
        undo: `Delete the backup or the schedule. What was read there meanwhile cannot be taken back.`,
      },
    };
  },
};
