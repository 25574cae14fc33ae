import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { registerSecret } from '../../contract/redact.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { present, rfc3339 } from '../../engine/store/rows.ts';
import type { AppOptions } from '../app.ts';
import { roles } from '../auth/roles.ts';
import { idOf, principalOf } from '../read-request.ts';
import { type Api, Done } from '../route-schemas.ts';

const base = '/skybackup/v1/keys';
const NewKey = z.strictObject({ role: z.enum(roles), name: z.string().min(1).max(100).optional() });
const CreatedKey = z.strictObject({
  id: z.string(),
  key: z.string(),
  role: z.enum(roles),
  name: z.string().exactOptional(),
});
const ListedKeys = z.strictObject({
  keys: z.array(
    z.strictObject({
      id: z.string(),
      role: z.string(),
      name: z.string().exactOptional(),
      created_at: z.string(),
      last_used_at: z.string().exactOptional(),
      revoked_at: z.string().exactOptional(),
    }),
  ),
});

export function keyRoutes(app: Api, { engine, mcp }: Pick<AppOptions, 'engine' | 'mcp'>): void {
  // The one answer that carries a key; it is not shown again.
  app.post(
    base,
    {
      config: { right: 'administer', action: 'Creating a key' },
      schema: { summary: 'Make a key; it is shown this once', body: NewKey, response: { 200: CreatedKey } },
    },
    (request) => {
      const { role, name } = request.body;
      const { id, key } = engine.keys.create(role, name, principalOf(request).id);
      registerSecret(key);
      return { id, key, role, ...present({ name }) };
    },
  );

  app.get(
    base,
    {
      config: { right: 'administer' },
      schema: { summary: 'List keys, without their values', response: { 200: ListedKeys } },
    },
    () => {
      const keys = engine.keys.list().map(({ id, role, name, created_at, last_used_at, revoked_at }) => ({
        id,
        role,
        created_at: toRfc3339(created_at),
        ...present({ name, last_used_at: rfc3339(last_used_at), revoked_at: rfc3339(revoked_at) }),
      }));
      return { keys };
    },
  );

  app.delete(
    `${base}/:id`,
    {
      config: { right: 'administer', action: 'Revoking a key' },
      schema: { summary: 'Make a key worthless', response: { 200: Done } },
    },
    async (request) => {
      const id = idOf(request);
      if (!engine.keys.revoke(id) && !engine.keys.list().some((key) => key.id === id)) {
        throw new SkybackupError('not_found', `There is no key "${id.slice(0, 100)}".`);
      }
      await mcp.forget(`key:${id}`);
      return {};
    },
  );
}
