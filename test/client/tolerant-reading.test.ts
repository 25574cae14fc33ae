import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupApi } from '../../src/client/backup-api.ts';
import { openBackupApi } from '../../src/client/open.ts';
import { readList, readOne, readRecord } from '../../src/client/read-answer.ts';
import { readSettings } from '../../src/client/settings.ts';
import { Backup } from '../../src/contract/backups.ts';
import { SkybackupError } from '../../src/contract/errors.ts';
import { RecoveryWindows, Restore, RestoreLookup } from '../../src/contract/restores.ts';
import { Schedule } from '../../src/contract/schedules.ts';
import { Service } from '../../src/contract/services.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { printedBackupId } from '../doubles/cloud-state.ts';

const text = fc.string({ maxLength: 20 });
const time = fc.constantFrom(
  '2024-03-26T17:18:57Z',
  '2024-03-26 17:18:57',
  '2024-03-26T17:18:57.123Z',
  '0001-01-01T00:00:00Z',
  '',
);
const size = fc.oneof(fc.nat(), fc.nat().map(String));
const id = fc.oneof(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 1e9 }).map(String));

/** The fields each record has in print, in either revision; the first ones it cannot be without. */
const records = {
  backup: {
    schema: Backup as import('zod').ZodType,
    needed: { id: text, service_id: text, type: text, status: text },
    others: {
      service_name: text,
      method: text,
      server_pod: text,
      reference_full_backup: text,
      point_in_time: time,
      start_time: time,
      end_time: time,
      backup_size: size,
      storage_bytes: size,
      disk_size: fc.oneof(text, size),
      disk_size_bytes: size,
      binlog_file: text,
      binlog_position: size,
      binlog_gtid_position: text,
      is_external_storage: fc.boolean(),
      cloud_provider: text,
    },
  },
  schedule: {
    schema: Schedule as import('zod').ZodType,
    needed: { id, service_id: text, schedule: text, type: text, status: text },
    others: {
      service_name: text,
      message: text,
      scheduled_at: time,
      created_at: time,
      updated_at: time,
      suspended: fc.boolean(),
      labels: fc.dictionary(text, fc.jsonValue()),
      cloud_provider: text,
    },
  },
  restore: {
    schema: Restore as import('zod').ZodType,
    needed: { id, service_id: text, status: text },
    others: {
      service_name: text,
      backup_id: text,
      key: text,
      bucket: text,
      type: text,
      message: text,
      created_at: time,
    },
  },
  service: {
    schema: Service as import('zod').ZodType,
    needed: { id: text },
    others: {
      name: text,
      status: text,
      is_active: fc.boolean(),
      provider: text,
      region: text,
      topology: text,
      version: text,
      size: text,
      nodes: size,
      fqdn: text,
      endpoints: fc.array(fc.jsonValue()),
      storage_volume: fc.record({ size: fc.nat() }),
      created_on: size,
    },
  },
};
const kinds = Object.keys(records) as (keyof typeof records)[];

function printed(kind: keyof typeof records): fc.Arbitrary<Record<string, unknown>> {
  const { needed, others } = records[kind];
  const nullable = Object.fromEntries(
    Object.entries(others).map(([name, value]) => [name, fc.option(value as fc.Arbitrary<unknown>)]),
  );
  return fc
    .tuple(
      fc.dictionary(
        fc.string({ minLength: 1, maxLength: 10 }).map((name) => `x_${name}`),
        fc.jsonValue(),
        { maxKeys: 4 },
      ),
      fc.record(nullable, { requiredKeys: [] }),
      fc.record(needed as Record<string, fc.Arbitrary<unknown>>),
    )
    .map(([extra, some, must]) => ({ ...extra, ...some, ...must }));
}

describe.each(kinds)('a %s', (kind) => {
  const { schema } = records[kind];
  const key = `${kind}s`;

  it('reads with whatever is missing of the rest and whatever else it has, which is kept', () => {
    fc.assert(
      fc.property(printed(kind), (record) => {
        const read = readRecord(schema, record, kind) as Record<string, unknown>;
        expect(String(read.id)).toBe(String(record.id));
        for (const name of Object.keys(record))
          if (name.startsWith('x_') && record[name] !== null) expect(read[name]).toEqual(record[name]);
      }),
    );
  });

  it('reads as one, in an array of one, paged, bare and as a single object', () => {
    fc.assert(
      fc.property(printed(kind), (record) => {
        const one = readRecord(schema, record, kind);
        expect(readOne(schema, [record], key, kind)).toEqual(one);
        expect(readOne(schema, { [key]: [record] }, key, kind)).toEqual(one);
        for (const body of [record, [record], { [key]: [record], [`${key}_count`]: 1, pages_count: '1' }])
          expect(readList(schema, body, key, kind).items).toEqual([one]);
      }),
    );
  });

  it('any JSON at all reads, or is refused in words that can be shown', () => {
    const damaged = fc
      .tuple(
        printed(kind),
        fc.dictionary(
          fc.constantFrom(...Object.keys(records[kind].needed), ...Object.keys(records[kind].others)),
          fc.jsonValue(),
        ),
      )
      .map(([record, wrong]) => ({ ...record, ...wrong }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          damaged,
          fc.array(damaged, { maxLength: 3 }),
          damaged.map((each) => ({ [key]: each })),
        ),
        (body) => {
          for (const read of [
            () => readRecord(schema, body, kind),
            () => readOne(schema, body, key, kind),
            () => readList(schema, body, key, kind),
            () => readRecord(RestoreLookup, body, kind),
            () => readRecord(RecoveryWindows, body, kind),
          ]) {
            try {
              read();
            } catch (error) {
              expect(error).toBeInstanceOf(SkybackupError);
              expect(error).toMatchObject({
                code: 'bad_answer',
                message: expect.stringMatching(/^The server.{1,300}\.$/u),
              });
            }
          }
        },
      ),
    );
  });
});

describe('every call of the API', () => {
  let cloud: CloudDouble;
  let api: BackupApi;
  beforeAll(async () => {
    cloud = await startCloudDouble();
    api = openBackupApi(readSettings({ HOME: '/nowhere', SKYSQL_API_KEY: cloud.key, SKYSQL_API_URL: cloud.url }));
  });
  afterAll(async () => {
    await api.close();
    await cloud.close();
  });

  it('answers any JSON with a value, or with an error in words', async () => {
    const service_id = 'dbtgf28044362';
    const calls: (() => Promise<unknown>)[] = [
      () => api.listServices(),
      () => api.getService(service_id),
      () => api.setPower(service_id, true),
      () => api.listBackups({ order: 'desc', page: 1, page_size: 10 }),
      () => api.getBackup(printedBackupId),
      () => api.listSchedules(),
      () => api.getSchedule(200),
      () => api.updateSchedule(200, { suspended: true }),
      () => api.deleteSchedule(200),
      () => api.listRestores(),
      () => api.getRestore(13),
      () => api.lookupRestoreTargets({ backup_id: printedBackupId, service_id }),
      () => api.lookupRecoveryWindows(),
      () => api.getHealth(),
    ];
    const shapes = fc.oneof(
      fc.jsonValue(),
      ...kinds.map(printed),
      ...kinds.map((kind) =>
        fc
          .array(printed(kind), { maxLength: 3 })
          .map((rows) => ({ [`${kind}s`]: rows, [`${kind}s_count`]: rows.length, pages_count: 1 })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...calls), shapes, async (call, body) => {
        cloud.fault({ body: JSON.stringify(body), times: 10_000 });
        const outcome = await call().catch((error: unknown) => error);
        cloud.mend();
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(SkybackupError);
          expect((outcome as SkybackupError).code).not.toBe('internal');
        }
      }),
      { numRuns: 150 },
    );
  });
});
