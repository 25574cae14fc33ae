import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMarker } from '../../../src/engine/managed/data-marker.ts';
import { managedLayout } from '../../../src/engine/managed/layout.ts';
import { managedStatus } from '../../../src/engine/managed/managed-server.ts';
import { type RestoreInput, restoreBackup } from '../../../src/engine/restore/restore.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { managedService, type TestHome, temporaryHome } from '../../servers/managed.ts';
import { checksums } from '../../servers/mariadbd.ts';
import { seedSql } from '../../servers/seed.ts';
import { type SampleBackup, sampleRepository, sqlOn, takeSampleBackup, testJob } from './sample-backup.ts';

let place: TestHome;
let target: ServiceRecord;
let backup: SampleBackup;
let backedUp: Record<string, number | null>;

beforeAll(async () => {
  place = temporaryHome();
  target = await managedService(place.home, 'orders');
  await sqlOn(target, seedSql(2));
  backedUp = await checksums(target.connection);
  mkdirSync(place.home.repository, { recursive: true });
  backup = await takeSampleBackup(target, place.home.repository);
});
afterAll(() => place.dispose());

let restoreId = 0;
function input(change: Partial<RestoreInput> = {}): RestoreInput {
  restoreId += 1;
  return {
    restoreId,
    target,
    manifest: backup.manifest,
    repository: sampleRepository(backup),
    home: place.home,
    newIncarnation: randomUUID(),
    highestGtids: '',
    beforeSwap: () => {},
    ...change,
  };
}

describe('a restore', () => {
  test('brings every table back to the checksum it had, and keeps the old data', async () => {
    await sqlOn(target, 'DROP TABLE shop.orders; UPDATE shop.customers SET note = 1; CREATE TABLE shop.newer (id INT)');
    const before = await managedStatus(place.home, target);
    const job = testJob();
    const wanted = input();
    const outcome = await restoreBackup(wanted, job);
    expect(await checksums(target.connection)).toEqual(backedUp);
    expect(job.phases).toEqual(['checking', 'materialising', 'preparing', 'proving', 'swapping']);
    expect(readMarker(target.datadir ?? '')?.incarnation).toBe(wanted.newIncarnation);
    const layout = managedLayout(place.home, 'orders');
    expect(outcome.kept_data).toBe(join(layout.root, `data.before-restore-${wanted.restoreId}`));
    expect(existsSync(join(outcome.kept_data, 'shop'))).toBe(true);
    const after = await managedStatus(place.home, target);
    expect(after.status).toBe('ready');
    expect(after.pid).not.toBe(before.pid);
  });
});
