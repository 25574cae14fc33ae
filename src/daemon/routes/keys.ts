import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { registerSecret } from '../../contract/redact.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { Engine } from '../../engine/engine.ts';
import { present, rfc3339 } from '../../engine/store/rows.ts';
import { roles } from '../auth/roles.ts';
import { bodyOf, idOf, noBody, noQuery } from '../read-request.ts';

const base = '/skybackup/v1/keys';
const NewKey = z.strictObject({ role: z.enum(roles), name: z.string().min(1).max(100).optional() });

export function keyRoutes(app: FastifyInstance, engine: Engine): void {
  // The one answer that carries a key; it is not shown again.
  app.post(base, { config: { right: 'administer', action: 'Creating a key' } }, (request) => {
    noQuery(request);
    const { role, name } = bodyOf(request, NewKey);
    const { id, key } = engine.keys.create(role, name);
    registerSecret(key);
    return { id, key, role, ...present({ name }) };
  });

  app.get(base, { config: { right: 'administer' } }, (request) => {
    noQuery(request);
    const keys = engine.keys.list().map(({ id, role, name, created_at, last_used_at, revoked_at }) => ({
      id,
      role,
      created_at: toRfc3339(created_at),
      ...present({ name, last_used_at: rfc3339(last_used_at), revoked_at: rfc3339(revoked_at) }),
    }));
    return { keys };
  });

  app.delete(`${base}/:id`, { config: { right: 'administer', action: 'Revoking a key' } }, (request) => {
    noQuery(request);
    noBody(request);
    const id = idOf(request);
    if (!engine.keys.revoke(id) && !engine.keys.list().some((key) => key.id === id)) {
      throw new SkybackupError('not_found', `There is no key "${id.slice(0, 100)}".`);
    }
    return {};
  });
}
