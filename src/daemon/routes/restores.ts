import {
  RecoveryWindows,
  Restore,
  RestoreLookup,
  RestoreLookupRequest,
  RestoreQuery,
  RestoreRequest,
  RestoresPage,
} from '../../contract/restores.ts';
import type { Engine } from '../../engine/engine.ts';
import { demand } from '../auth/principal.ts';
import { askerOf, numberOf, principalOf } from '../read-request.ts';
import { type Api, Done, PlanQuery } from '../route-schemas.ts';

const base = '/skybackup/v1/restores';

export function restoreRoutes(app: Api, engine: Engine): void {
  app.get(
    base,
    {
      config: { right: 'read' },
      schema: { summary: 'List restores', querystring: RestoreQuery, response: { 200: RestoresPage } },
    },
    (request) => {
      const { items, count, pages } = engine.restores.list(request.query);
      return { restores: items, restores_count: count, pages_count: pages };
    },
  );

  app.post(
    base,
    {
      config: { right: 'operate', action: 'Starting a restore' },
      schema: {
        summary: 'Make a new service of a backup; or, as a requester, replace the data of one',
        body: RestoreRequest,
        response: { 200: Restore },
      },
    },
    (request) => {
      // One path for both: what replaces nothing asks for less.
      if (request.body.target !== 'new') demand(principalOf(request), 'request', 'Restoring onto a service');
      return engine.restores.create(request.body, askerOf(request, request.body.plan_id));
    },
  );

  app.get(
    `${base}/:id`,
    { config: { right: 'read' }, schema: { summary: 'One restore', response: { 200: Restore } } },
    (request) => engine.restores.get(numberOf(request, 'restore')),
  );

  app.delete(
    `${base}/:id`,
    {
      config: { right: 'request', action: 'Deleting a restore record' },
      schema: { summary: 'Delete the record of a finished restore', querystring: PlanQuery, response: { 200: Done } },
    },
    async (request) => {
      await engine.restores.remove(numberOf(request, 'restore'), askerOf(request, request.query.plan_id));
      return {};
    },
  );

  app.post(
    `${base}/lookup`,
    {
      config: { right: 'read' },
      schema: {
        summary: 'The services a backup may be restored onto',
        body: RestoreLookupRequest,
        response: { 200: RestoreLookup },
      },
    },
    async (request) => {
      const { backup_id, service_id } = request.body;
      return { services: await engine.restores.lookupTargets(backup_id, service_id) };
    },
  );

  // No service has a window before binary logs are archived: an empty list is the truth.
  app.get(
    `${base}/pointintime/lookup`,
    {
      config: { right: 'read' },
      schema: { summary: 'The times each service can be taken back to', response: { 200: RecoveryWindows } },
    },
    () => ({ services: [] }),
  );
}
