import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { expect } from 'vitest';
import { managedLayout } from '../../../src/engine/managed/layout.ts';
import { managedStatus } from '../../../src/engine/managed/managed-server.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import type { RestoreInput } from '../../../src/engine/restore/restore.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { managedService, type TestHome, temporaryHome } from '../../servers/managed.ts';
import { checksums } from '../../servers/mariadbd.ts';
import { seedSql } from '../../servers/seed.ts';
import { type SampleBackup, sampleRepository, sqlOn, takeSampleBackup } from './sample-backup.ts';

export type Checksums = Record<string, number | null>;

/** A home with a managed service, a backup of it, and data that changed since. */
export interface Scene {
  place: TestHome;
  target: ServiceRecord;
  backup: SampleBackup;
  /** Of the moment of the backup. */
  backedUp: Checksums;
  /** A restore of the backup onto the target, with a number of its own. */
  input(change?: Partial<RestoreInput>): RestoreInput;
  /** Changes rows and tables, so that old and restored data differ in most tables; returns the new checksums. */
  damage(): Promise<Checksums>;
  /** That nothing is left but the data in use, kept data, and one server process. */
  expectTidy(): Promise<void>;
}

/** What a scene's server holds when it is backed up. */
export const sampleSql = `${seedSql(1)} CREATE TABLE shop.generation (v VARCHAR(40)); INSERT INTO shop.generation VALUES ('backed up');`;

/** Changes rows and tables, so that old and restored data differ in most tables. */
export const damageSql = `UPDATE shop.customers SET note = UUID(); DELETE FROM shop.orders LIMIT 10; UPDATE shop.legacy SET v = UUID();
  UPDATE shop.settings SET v = UUID(); UPDATE shop.generation SET v = 'damaged';
  CREATE OR REPLACE TABLE shop.newer (id INT) SELECT 1 AS id; DROP TABLE IF EXISTS shop.bulk;`;

let restoreId = 0;

export async function makeScene(): Promise<Scene> {
  const place = temporaryHome();
  const target = await managedService(place.home, 'orders');
  await sqlOn(target, sampleSql);
  const backedUp = await checksums(target.connection);
  mkdirSync(place.home.repository, { recursive: true });
  const backup = await takeSampleBackup(target, place.home.repository);
  return {
    place,
    target,
    backup,
    backedUp,
    input: (change = {}) => {
      restoreId += 1;
      return {
        restoreId,
        target,
        source: { backups: [backup.manifest] },
        repository: sampleRepository(backup),
        home: place.home,
        newIncarnation: randomUUID(),
        highestGtids: '',
        beforeSwap: () => {},
        ...change,
      };
    },
    damage: async () => {
      await sqlOn(target, damageSql);
      return checksums(target.connection);
    },
    expectTidy: () => expectTidy(place, target),
  };
}

async function expectTidy(place: TestHome, target: ServiceRecord): Promise<void> {
  const layout = managedLayout(place.home, target.id);
  const known = /^(client\.cnf|data|data\.before-restore-\d+(\.json)?|run|server\.json|server\.log)$/;
  expect(readdirSync(layout.root).filter((name) => !known.test(name))).toEqual([]);
  const { pid } = await managedStatus(place.home, target);
  expect(place.processes()).toEqual(pid === undefined ? [] : [pid]);
}

export async function ask<T extends object>(service: Pick<ServiceRecord, 'connection'>, sql: string): Promise<T[]> {
  const connection = await connect(service.connection);
  try {
    return await connection.query<T>(sql);
  } finally {
    await connection.close();
  }
}
