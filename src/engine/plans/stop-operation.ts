import { z } from 'zod';
import { parseRequest } from '../../contract/parse-request.ts';
import { controlOf } from '../control/server-control.ts';
import { findService } from '../services/find-service.ts';
import type { Operation } from './operations.ts';
import { serviceDigest } from './target-digest.ts';

const ServiceId = z.strictObject({ service_id: z.string().min(1).max(300) });

export const stopOperation: Operation = {
  normalise(context, input) {
    const service = findService(context.state, parseRequest(ServiceId, input, 'arguments').service_id);
    // A yes that could not be carried out must not be asked for.
    controlOf(context.home, service);
    return { service_id: service.id };
  },
  async describe(context, args, ownJob) {
    const service = findService(context.state, parseRequest(ServiceId, args, 'arguments').service_id);
    const schedules = context.state.schedules.repeated().filter((row) => row.service_id === service.id);
    return {
      digest: await serviceDigest(context, service, ownJob),
      facts: {
        title: `Stop service ${service.id}`,
        service_id: service.id,
        confirm_id: service.id,
        expected_downtime: 'until it is started again',
        lost: [`Clients of ${service.id} lose their connections, and transactions that are open are rolled back.`],
        warnings:
          schedules.length === 0
            ? []
            : [
                `Its ${schedules.length} repeated backup${schedules.length === 1 ? '' : 's'} will fail while it is stopped.`,
              ],
        undo: `Start service ${service.id} again. No data are changed.`,
      },
    };
  },
};
