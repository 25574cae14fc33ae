import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { startGcs, type TestGcs } from '../../../doubles/gcs.ts';
import { objectStoreContract } from '../object-store-contract.ts';

let gcs: TestGcs;
beforeAll(async () => {
  gcs = await startGcs();
});
afterAll(() => gcs?.stop());

const chunks = { 'GCS, objects of one chunk': 16 * 1024 * 1024, 'GCS, objects in chunks': 256 * 1024 };

for (const [name, chunkBytes] of Object.entries(chunks)) {
  objectStoreContract(name, async () => {
    const prefix = randomUUID();
    return {
      store: gcs.store({ prefix, chunkBytes, pageKeys: 2 }),
      leftovers: async () => gcs.uploads(`${prefix}/`),
      dispose: async () => {},
    };
  });
}
