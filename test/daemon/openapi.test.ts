import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { roles } from '../../src/daemon/auth/roles.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';

const base = '/skybackup/v1';
const Document = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ operationId: z.string(), 'x-role': z.enum(roles).optional() })),
  ),
});

let daemon: TestDaemon;
let document: z.infer<typeof Document>;
let raw: Record<string, unknown>;
let tcp: string;
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  tcp = daemon.url();
  // Its readers have no key yet.
  raw = (await (await fetch(`${tcp}${base}/openapi.json`)).json()) as Record<string, unknown>;
  document = Document.parse(raw);
});
afterAll(() => daemon.dispose());

const operations = (): { path: string; method: string; role: (typeof roles)[number] | undefined; id: string }[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      role: operation['x-role'],
      id: operation.operationId,
    })),
  );

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, every reference in it leads somewhere, and operations have names of their own', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(raw));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const text = JSON.stringify(raw);
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
    expect(references.length).toBeGreaterThan(20);
    for (const reference of new Set(references)) {
      const found = reference.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], raw);
      expect(found, reference).toBeTypeOf('object');
    }
    const names = operations().map(({ id }) => id);
    expect(new Set(names).size).toBe(names.length);
  });

  it("has the contract's requests", () => {
    const served = operations().map(({ method, path }) => `${method} ${path}`);
    expect(served).toEqual(
      expect.arrayContaining([
        `GET ${base}/backups`,
        `GET ${base}/backups/{id}`,
        `GET ${base}/backups/schedules`,
        `POST ${base}/backups/schedules`,
        `GET ${base}/backups/schedules/{id}`,
        `PATCH ${base}/backups/schedules/{id}`,
        `DELETE ${base}/backups/schedules/{id}`,
        `GET ${base}/restores`,
        `POST ${base}/restores`,
        `GET ${base}/restores/{id}`,
        `DELETE ${base}/restores/{id}`,
        `POST ${base}/restores/lookup`,
        `GET ${base}/restores/pointintime/lookup`,
        'GET /provisioning/v1/services',
        'GET /provisioning/v1/services/{id}',
        'POST /provisioning/v1/services/{id}/power',
        `GET ${base}/openapi.json`,
        'GET /healthz',
      ]),
    );
  });

  it('tells what a request must carry, and what of it is unknown to the daemon is refused', () => {
    expect(raw).toMatchObject({
      components: {
        schemas: {
          PostBackupsSchedulesRequest: {
            type: 'object',
            required: ['backup_type', 'schedule', 'service_id'],
            additionalProperties: false,
          },
        },
      },
    });
  });
});

describe('every request it names', () => {
  it('is refused to each weaker role, naming the role it needs, and to no other', async () => {
    const keys = new Map<string, string>();
    for (const role of roles) keys.set(role, (await daemon.api.daemon.createKey({ role })).key);
    const send = async (method: string, path: string, key: string | undefined) => {
      const answer = await fetch(`${tcp}${path.replaceAll(/\{\w+\}/g, 'none')}`, {
        method,
        headers: key === undefined ? {} : { 'x-api-key': key },
      });
      return { status: answer.status, text: await answer.text() };
    };
    const guarded = operations().filter(({ role }) => role !== undefined);
    expect(operations().filter(({ role }) => role === undefined)).toMatchObject([
      { path: `${base}/openapi.json` },
      { path: '/healthz' },
    ]);
    for (const { method, path, role } of guarded) {
      const label = `${method} ${path}`;
      expect((await send(method, path, undefined)).status, `nobody: ${label}`).toBe(401);
      for (const asker of roles) {
        const { status, text } = await send(method, path, keys.get(asker));
        if (role === undefined || roles.indexOf(asker) >= roles.indexOf(role)) {
          expect(status, `${asker}: ${label}`).not.toBe(403);
          expect(status, `${asker}: ${label}`).toBeLessThan(500);
        } else {
          expect(status, `${asker}: ${label}`).toBe(403);
          expect(text, `${asker}: ${label}`).toContain(`role ${role}`);
        }
      }
    }
  });

  it('refuses unknown query parameters', async () => {
    for (const { method, path } of operations()) {
      // These stop daemons, or look their id up first.
      if (path.endsWith('/drain')) continue;
      const { status, body } = await daemon.request(method, `${path.replaceAll(/\{\w+\}/g, 'none')}?colour=blue`);
      expect({ status, method, path, error: body.errors?.[0]?.error }).toMatchObject({ status: 400 });
    }
  });
});
