import { z } from 'zod';
import { SkybackupError } from '../contract/errors.ts';
import type { Asker } from '../engine/engine-context.ts';
import type { Principal } from './auth/principal.ts';

const IdParameter = z.object({ id: z.string() });

export function idOf(request: { params: unknown }): string {
  return IdParameter.parse(request.params).id;
}

/** An id of another kind names nothing here: it is unknown, not malformed. */
export function numberOf(request: { params: unknown }, kind: string): number {
  const id = idOf(request);
  if (/^[1-9]\d{0,14}$/.test(id)) return Number(id);
  throw new SkybackupError('not_found', `There is no ${kind} "${id.slice(0, 100)}".`);
}

interface Asked {
  principal: Principal | undefined;
}

export function principalOf(request: Asked): Principal {
  if (request.principal === undefined) throw new SkybackupError('unauthorized', 'The request carries no API key.');
  return request.principal;
}

/** On whose behalf a destructive request is made, and the plan it brings. */
export function askerOf(request: Asked, planId: string | undefined): Asker {
  const { id, role } = principalOf(request);
  return { principal: id, role, planId };
}
