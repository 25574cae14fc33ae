import { StorageCheck, StoragePatch, StorageRequest, StoragesList } from '../../contract/storages.ts';
import type { Engine } from '../../engine/engine.ts';
import { idOf } from '../read-request.ts';
import { type Api, Done } from '../route-schemas.ts';

const base = '/skybackup/v1/storages';

export function storageRoutes(app: Api, engine: Engine): void {
  const found = (name: string, remarks: string[]): StorageCheck => ({
    name,
    path: engine.storages.list().find((storage) => storage.name === name)?.path ?? '',
    remarks,
  });

  app.get(
    base,
    {
      config: { right: 'read' },
      schema: { summary: 'List the places for backups, without their credentials', response: { 200: StoragesList } },
    },
    () => ({ storages: engine.storages.list() }),
  );

  app.post(
    base,
    {
      config: { right: 'administer', action: 'Adding a storage' },
      schema: {
        summary: 'Register a bucket or a folder for backups, once it was tried out',
        body: StorageRequest,
        response: { 200: StorageCheck },
      },
    },
    async (request) => found(request.body.name, await engine.storages.add(request.body)),
  );

  app.post(
    `${base}/:id/check`,
    {
      config: { right: 'operate', action: 'Checking a storage' },
      schema: { summary: 'Write to a storage, read back, and remove that again', response: { 200: StorageCheck } },
    },
    async (request) => found(idOf(request), await engine.storages.check(idOf(request))),
  );

  app.patch(
    `${base}/:id`,
    {
      config: { right: 'administer', action: 'Changing a storage' },
      schema: {
        summary: 'Whose backups go to it by default, to whom they are encrypted, and its limit',
        body: StoragePatch,
        response: { 200: Done },
      },
    },
    async (request) => {
      const { default_for, recipients, limit } = request.body;
      if (recipients !== undefined) await engine.storages.setRecipients(idOf(request), recipients);
      if (default_for !== undefined) engine.storages.setDefault(idOf(request), default_for);
      if (limit !== undefined) engine.storages.setLimit(idOf(request), limit);
      return {};
    },
  );

  app.delete(
    `${base}/:id`,
    {
      config: { right: 'administer', action: 'Removing a storage' },
      schema: { summary: 'Take a storage off the list; what lies in it stays', response: { 200: Done } },
    },
    (request) => {
      engine.storages.remove(idOf(request));
      return {};
    },
  );
}
