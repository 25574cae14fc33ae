import { z } from 'zod';
import { SkybackupError } from '../contract/errors.ts';
import { serviceIdOf } from '../contract/ids.ts';
import { Service } from '../contract/services.ts';
import type { BackupApi, CallOptions } from './backup-api.ts';
import type { Http } from './http.ts';
import { bounds, segment } from './http-call.ts';
import { readList, readOne } from './read-answer.ts';

const base = '/provisioning/v1/services';
const mostPages = 200;
const PowerAnswer = z.object({ status: z.string(), job_id: z.int().optional() });

/** The services part of the Backup API. */
export function servicesCalls(http: Http): Pick<BackupApi, 'listServices' | 'getService' | 'setPower'> {
  return {
    async listServices(options = {}) {
      const services = new Map<string, Service>();
      const tokens = new Set<string | undefined>();
      let token: string | undefined;
      for (let page = 0; page < mostPages; page += 1) {
        const query = { page_size: 100, page_token: token };
        const answer = await http.request({ method: 'GET', path: base, query, ...bounds(options) });
        // One that moves to a later page while they are read comes twice.
        for (const each of readList(Service, answer.body, 'services', 'service').items) services.set(each.id, each);
        tokens.add(token);
        token = answer.header('x-skysql-page-token-next') || undefined;
        if (token === undefined || tokens.has(token)) return [...services.values()];
      }
      throw new SkybackupError('bad_answer', 'The server gives ever more pages of services.', { retryable: false });
    },

    async getService(id: string, options: CallOptions = {}) {
      const answer = await http.request({
        method: 'GET',
        path: `${base}/${segment(serviceIdOf(id))}`,
        ...bounds(options),
      });
      return readOne(Service, answer.body, 'services', 'service');
    },

    async setPower(serviceId, active, options = {}) {
      const answer = await http.request({
        method: 'POST',
        path: `${base}/${segment(serviceIdOf(serviceId))}/power`,
        query: { plan_id: options.planId },
        body: { is_active: active },
        ...bounds(options),
      });
      // What the cloud answers here is not documented, and nobody needs it.
      const { data } = PowerAnswer.safeParse(answer.body);
      // Without anything to do, the job is somebody else's.
      return data?.status.startsWith('pending') ? { job_id: data.job_id } : {};
    },
  };
}
