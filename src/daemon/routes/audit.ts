import { AuditPage, AuditQuery } from '../../contract/audit.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { Engine } from '../../engine/engine.ts';
import { present } from '../../engine/store/rows.ts';
import type { Api } from '../route-schemas.ts';

export function auditRoute(app: Api, engine: Engine): void {
  app.get(
    '/skybackup/v1/audit',
    {
      config: { right: 'administer' },
      schema: { summary: 'Who changed what, or was refused it', querystring: AuditQuery, response: { 200: AuditPage } },
    },
    ({ query: { since, ...page } }) => {
      const { items, count, pages } = engine.audit.list({
        ...page,
        since: since === undefined ? undefined : new Date(since),
      });
      const entries = items.map(({ at, trace_id, ...entry }) => ({
        ...entry,
        at: toRfc3339(at),
        ...present({ trace_id }),
      }));
      return { entries, entries_count: count, pages_count: pages };
    },
  );
}
