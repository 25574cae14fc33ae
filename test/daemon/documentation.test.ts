import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { Backup } from '../../src/contract/backups.ts';
import { Schedule, SchedulesPage } from '../../src/contract/schedules.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { documented } from './documented-schemas.ts';
import { managedScene } from './managed-scene.ts';

/**
 * The requests that the service's documentation shows, sent by curl with the same options, headers and bodies (where there is
 * no curl, by fetch with the same headers and bodies). Host and key are this daemon's; ids of schedules are those it gave.
 */
const host = 'https://api.skysql.com';
const service = 'dbtgf28044362';
const types = ['full', 'incremental', 'binarylog', 'dump'] as const;

let daemon: TestDaemon;
let key: string;
let hasCurl: boolean;
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  key = (await daemon.api.daemon.createKey({ role: 'administrator' })).key;
  await managedScene(daemon, service);
  hasCurl = (await execa('curl', ['--version'], { reject: false })).exitCode === 0;
});
afterAll(() => daemon.dispose());

async function curl(url: string, words: string[] = [], body?: unknown): Promise<{ status: number; body: unknown }> {
  const headers = ['Accept: application/json', `Authorization: Bearer ${key}`];
  if (body !== undefined) headers.unshift('Content-Type: application/json');
  if (!hasCurl) {
    const answer = await fetch(url.replace(host, daemon.url()), {
      method: words[1] ?? (body === undefined ? 'GET' : 'POST'),
      headers: headers.map((header): [string, string] => [header.split(': ')[0] ?? '', header.split(': ')[1] ?? '']),
      ...(body === undefined ? {} : { body: JSON.stringify(body, null, 4) }),
    });
    return { status: answer.status, body: await answer.json() };
  }
  const { stdout } = await execa('curl', [
    '--silent',
    '--write-out',
    '\n%{http_code}',
    '--location',
    ...words,
    url.replace(host, daemon.url()),
    ...headers.flatMap((header) => ['--header', header]),
    ...(body === undefined ? [] : ['--data', JSON.stringify(body, null, 4)]),
  ]);
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: JSON.parse(stdout.slice(0, end)) };
}

/** The answer, once it is 200 and of the documented shape. */
async function answered<S extends z.ZodType>(schema: S, ...request: Parameters<typeof curl>): Promise<z.infer<S>> {
  const { status, body } = await curl(...request);
  expect(status, JSON.stringify(body)).toBe(200);
  return schema.parse(body);
}

const schedules = `${host}/skybackup/v1/backups/schedules`;
const created: Schedule[] = [];

describe('scheduling backups', () => {
  it.each(types)('a one-time %s backup', async (backup_type) => {
    const request = { backup_type, schedule: 'once', service_id: service };
    const made = Schedule.parse(await answered(documented.schedule, schedules, [], request));
    expect(made).toMatchObject({ service_id: service, schedule: 'once', type: backup_type });
    created.push(made);
    expect(await daemon.ended(made.job_id ?? 0)).toMatchObject({ status: 'Succeeded' });
  });

  it.each(types)('a %s backup by cron', async (backup_type) => {
    const request = { backup_type, schedule: '0 3 * * *', service_id: service };
    const made = Schedule.parse(await answered(documented.schedule, schedules, [], request));
    expect(made).toMatchObject({ schedule: '0 3 * * *', type: backup_type, status: 'Scheduled' });
    created.push(made);
  });

  it('a type that only the cloud has is refused, and says what there is', async () => {
    const { status, body } = await curl(schedules, [], {
      backup_type: 'snapshot',
      schedule: 'once',
      service_id: service,
    });
    expect(status).toBe(400);
    expect(documented.error.parse(body)).toMatchObject({ errors: [{ error: 'unsupported' }] });
  });
});

describe('working with schedules', () => {
  it('all, those of a service, and one', async () => {
    for (const url of [schedules, `${schedules}?service_id=${service}`]) {
      const { schedules: items = [] } = SchedulesPage.parse(await answered(documented.schedules, url));
      expect(items.map(({ id }) => id).sort()).toEqual(created.map(({ id }) => id).sort());
    }
    const [first] = created;
    expect(await answered(documented.schedule, `${schedules}/${first?.id}`)).toMatchObject({ id: first?.id });
  });

  it('a change, as it is printed there; not of a one-time one', async () => {
    const cron = created.find(({ schedule }) => schedule !== 'once');
    const change = ['--request', 'PATCH'];
    const patch = { schedule: '0 9 ** *' };
    expect(await answered(documented.schedule, `${schedules}/${cron?.id}`, change, patch)).toMatchObject({
      id: cron?.id,
      schedule: '0 9 * * *',
    });
    const refused = await curl(`${schedules}/${created[0]?.id}`, change, { schedule: '0 9 * * *' });
    expect(refused.status).toBe(400);
    documented.error.parse(refused.body);
  });

  it('a deletion', async () => {
    const cron = created.find(({ schedule }) => schedule !== 'once');
    const url = `${schedules}/${cron?.id}`;
    expect((await curl(url, ['--request', 'DELETE'])).status).toBe(200);
    const gone = await curl(url);
    expect(gone.status).toBe(404);
    documented.error.parse(gone.body);
  });
});

describe('backup status', () => {
  it('all backups, and those of a service', async () => {
    for (const url of [`${host}/skybackup/v1/backups`, `${host}/skybackup/v1/backups?service_id=${service}`]) {
      const page = (await answered(documented.backups, url)) as { backups: unknown[]; backups_count: number };
      const backups = page.backups.map((each) => Backup.parse(each));
      expect(backups.map(({ type }) => type).sort()).toEqual([...types].sort());
      expect(page.backups_count).toBe(types.length);
      for (const backup of backups) {
        expect(backup).toMatchObject({ status: 'Succeeded', end_time: expect.any(String) });
        expect(backup.point_in_time).toBeTruthy();
        expect(backup.backup_size).toBe(backup.storage_bytes);
      }
      const id = (type: string): string | undefined => backups.find((backup) => backup.type === type)?.id;
      expect(backups.find(({ type }) => type === 'incremental')?.reference_full_backup).toBe(id('full'));
      expect(backups.find(({ type }) => type === 'full')?.reference_full_backup).toBe('');
    }
  });

  it('a service that does not exist has none', async () => {
    const url = `${host}/skybackup/v1/backups?service_id=dbtgf28216706`;
    expect(await answered(documented.backups, url)).toMatchObject({ backups: [], backups_count: 0 });
  });
});

describe('restores that are none', () => {
  it('the list is empty, and one that is unknown is neither shown nor deleted', async () => {
    const restores = `${host}/skybackup/v1/restores`;
    expect(await answered(documented.restores, restores)).toMatchObject({ restores: [] });
    for (const words of [[], ['--request', 'DELETE']]) {
      const { status, body } = await curl(`${restores}/12`, words);
      expect(status).toBe(404);
      documented.error.parse(body);
    }
  });
});

it('a wrong key is refused in the documented shape', async () => {
  const right = key;
  key = 'skb_000000000000_wrong';
  try {
    const { status, body } = await curl(schedules);
    expect(status).toBe(401);
    expect(documented.error.parse(body)).toMatchObject({ errors: [{ error: 'unauthorized' }] });
  } finally {
    key = right;
  }
});

it('the shapes are looked at for real', () => {
  const backup = { id: 'not a backup id', service_id: 's', type: 'full', status: 'Succeeded' };
  expect(documented.backup.safeParse(backup).success).toBe(false);
  expect(documented.schedule.safeParse({ id: '253' }).success).toBe(false);
});
