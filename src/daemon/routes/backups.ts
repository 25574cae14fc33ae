import type { FastifyInstance } from 'fastify';
import { type Backup, BackupQuery } from '../../contract/backups.ts';
import type { Page } from '../../contract/pages.ts';
import type { Engine } from '../../engine/engine.ts';
import { idOf, noQuery, queryOf } from '../read-request.ts';

const base = '/skybackup/v1/backups';

export function backupRoutes(app: FastifyInstance, engine: Engine): void {
  const answer = ({ items, count, pages }: Page<Backup>) => ({
    backups: items,
    backups_count: count,
    pages_count: pages,
  });

  app.get(base, { config: { right: 'read' } }, (request) => answer(engine.backups.list(queryOf(request, BackupQuery))));

  // One backup when the id has a colon, else those of one service.
  app.get(`${base}/:id`, { config: { right: 'read' } }, (request) => {
    const id = idOf(request);
    if (!id.includes(':')) return answer(engine.backups.listOf(id, queryOf(request, BackupQuery)));
    noQuery(request);
    return engine.backups.get(id);
  });
}
