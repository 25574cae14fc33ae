import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import { SkybackupError } from '../../contract/errors.ts';
import type { Api } from '../route-schemas.ts';
import { type Principal, socketPeer } from './principal.ts';

/** Far above what people and their agents need, far below what keeps a daemon from its work. */
export const defaultRequestsPerMinute = 600;

/**
 * Counts the requests of each key, and refuses those beyond the limit until the minute is over. The daemon's owner on its
 * socket is not counted. Call the result once the request's principal is known.
 */
export function limitRequests(app: Api, perMinute: number): (request: FastifyRequest) => Promise<void> {
  void app.register(rateLimit, {
    global: false,
    max: perMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => request.principal?.id ?? 'nobody',
  });
  let limiter: ReturnType<Api['createRateLimit']> | undefined;

  return async (request) => {
    const principal: Principal | undefined = request.principal;
    if (principal === undefined || principal.id === socketPeer.id) return;
    limiter ??= app.createRateLimit();
    const use = await limiter(request);
    if (use.isAllowed || !use.isExceeded) return;
    throw new SkybackupError('rate_limited', `This key may make ${perMinute} requests a minute, and has made them.`, {
      hint: `Call again in ${use.ttlInSeconds} s.`,
      retryAfterSeconds: use.ttlInSeconds,
    });
  };
}
