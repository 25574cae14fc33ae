import { z } from 'zod';
import { Backup, BackupQuery, BackupsPage } from '../../contract/backups.ts';
import { BackupContents, ContentsQuery } from '../../contract/contents.ts';
import type { Page } from '../../contract/pages.ts';
import { parseRequest } from '../../contract/parse-request.ts';
import type { Engine } from '../../engine/engine.ts';
import { askerOf, idOf } from '../read-request.ts';
import { type Api, Done, PlanQuery } from '../route-schemas.ts';

const base = '/skybackup/v1/backups';

export function backupRoutes(app: Api, engine: Engine): void {
  const answer = ({ items, count, pages }: Page<Backup>) => ({
    backups: items,
    backups_count: count,
    pages_count: pages,
  });

  app.get(
    base,
    {
      config: { right: 'read' },
      schema: { summary: 'List backups', querystring: BackupQuery, response: { 200: BackupsPage } },
    },
    async ({ query: { contains, ...query } }) =>
      answer(
        contains === undefined ? engine.backups.list(query) : await engine.backups.containing({ ...query, contains }),
      ),
  );

  app.get(
    `${base}/:id`,
    {
      config: { right: 'read' },
      schema: {
        summary: 'One backup when the id has a colon, else the backups of one service',
        querystring: BackupQuery.omit({ contains: true }),
        response: { 200: z.union([BackupsPage, Backup]) },
      },
    },
    (request) => {
      const id = idOf(request);
      if (!id.includes(':')) return answer(engine.backups.listOf(id, request.query));
      parseRequest(z.strictObject({}), request.query, 'query');
      return engine.backups.get(id);
    },
  );

  app.get(
    `${base}/:id/contents`,
    {
      config: { right: 'read' },
      schema: {
        summary: 'What a backup holds, by its manifest',
        querystring: ContentsQuery,
        response: { 200: BackupContents },
      },
    },
    (request) => engine.backups.contents(idOf(request), request.query),
  );

  app.delete(
    `${base}/:id`,
    {
      config: { right: 'request', action: 'Deleting a backup' },
      schema: { summary: 'Delete a backup that nothing needs', querystring: PlanQuery, response: { 200: Done } },
    },
    async (request) => {
      await engine.backups.remove(idOf(request), askerOf(request, request.query.plan_id));
      return {};
    },
  );
}
