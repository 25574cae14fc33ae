import { z } from 'zod';
import { FoundTransactions, TransactionsQuery } from '../../contract/recovery.ts';
import {
  KeptCopies,
  RecoveryWindows,
  Restore,
  RestoreLookup,
  RestoreLookupRequest,
  RestoreQuery,
  RestoreRequest,
  RestoresPage,
} from '../../contract/restores.ts';
import type { Engine } from '../../engine/engine.ts';
import { demand, demandForBucket } from '../auth/principal.ts';
import { askerOf, idOf, numberOf, principalOf } from '../read-request.ts';
import { type Api, Done, PlanQuery } from '../route-schemas.ts';

const base = '/skybackup/v1/restores';

export function restoreRoutes(app: Api, engine: Engine): void {
  app.get(
    base,
    {
      config: { right: 'read' },
      schema: { summary: 'List restores', querystring: RestoreQuery, response: { 200: RestoresPage } },
    },
    async (request) => {
      const { items, count, pages } = await engine.restores.list(request.query);
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
      // The daemon would read there with its own rights, or with such as no tool is to have.
      if (request.body.external_source !== undefined) demandForBucket(principalOf(request));
      return engine.restores.create(request.body, askerOf(request, request.body.plan_id));
    },
  );

  app.get(
    `${base}/kept`,
    {
      config: { right: 'read' },
      schema: { summary: 'The data of before restores that are still there', response: { 200: KeptCopies } },
    },
    async () => ({ kept: await engine.restores.kept() }),
  );

  app.post(
    `${base}/:id/undo`,
    {
      config: { right: 'request', action: 'Undoing a restore' },
      schema: {
        summary: 'Put the data of before a restore back in place; those that it replaces are kept in turn',
        querystring: PlanQuery,
        response: { 200: Restore },
      },
    },
    (request) => engine.restores.undo(numberOf(request, 'restore'), askerOf(request, request.query.plan_id)),
  );

  app.delete(
    `${base}/:id/kept`,
    {
      config: { right: 'administer', action: 'Removing kept data' },
      schema: {
        summary: 'Remove the data of before a restore ahead of their time',
        querystring: z.strictObject({ typed_id: z.string().max(300).optional() }),
        response: { 200: Done },
      },
    },
    async (request) => {
      await engine.restores.removeKept(numberOf(request, 'restore'), request.query.typed_id);
      return {};
    },
  );

  app.get(
    `${base}/:id`,
    { config: { right: 'read' }, schema: { summary: 'One restore', response: { 200: Restore } } },
    (request) => engine.restores.measured(numberOf(request, 'restore')),
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

  app.get(
    `${base}/pointintime/lookup`,
    {
      config: { right: 'read' },
      schema: { summary: 'The times each service can be taken back to', response: { 200: RecoveryWindows } },
    },
    () => ({ services: engine.restores.recoveryWindows() }),
  );

  app.get(
    `${base}/pointintime/:id/transactions`,
    {
      config: { right: 'read' },
      schema: {
        summary: 'The transactions of a service near a moment, by its binary logs, archived or not',
        querystring: TransactionsQuery,
        response: { 200: FoundTransactions },
      },
    },
    (request) => engine.restores.transactions(idOf(request), request.query),
  );
}
