import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { partPlan } from '../../../../src/engine/storage/s3/part-plan.ts';
import { startS3, type TestS3 } from '../../../servers/swift-s3.ts';
import { objectStoreContract } from '../object-store-contract.ts';

let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3({ smallestPart: 1 });
});
afterAll(() => s3?.stop());

const plans = {
  'S3, objects of one request': partPlan,
  'S3, objects in parts': { ...partPlan, firstBytes: 100_001, doubleAfter: 3 },
};

for (const [name, plan] of Object.entries(plans)) {
  objectStoreContract(name, async () => {
    const prefix = randomUUID();
    return {
      store: s3.store({ prefix, plan, pageKeys: 2 }),
      leftovers: () => s3.uploads(`${prefix}/`),
      dispose: async () => {},
    };
  });
}
