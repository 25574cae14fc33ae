import { Verification, VerificationQuery, VerificationsPage, VerifyRequest } from '../../contract/verifications.ts';
import type { Engine } from '../../engine/engine.ts';
import { idOf, numberOf } from '../read-request.ts';
import type { Api } from '../route-schemas.ts';

const base = '/skybackup/v1/verifications';

export function verificationRoutes(app: Api, engine: Engine): void {
  app.post(
    '/skybackup/v1/backups/:id/verify',
    {
      config: { right: 'operate', action: 'Verifying a backup' },
      schema: {
        summary: 'Prove that a backup can be restored',
        body: VerifyRequest.nullish(),
        response: { 200: Verification },
      },
    },
    (request) => engine.verifications.start(idOf(request), request.body ?? {}),
  );

  app.get(
    base,
    {
      config: { right: 'read' },
      schema: {
        summary: 'List verifications of backups',
        querystring: VerificationQuery,
        response: { 200: VerificationsPage },
      },
    },
    (request) => {
      const { items, count, pages } = engine.verifications.list(request.query);
      return { verifications: items, verifications_count: count, pages_count: pages };
    },
  );

  app.get(
    `${base}/:id`,
    { config: { right: 'read' }, schema: { summary: 'One verification', response: { 200: Verification } } },
    (request) => engine.verifications.get(numberOf(request, 'verification')),
  );
}
