import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backup } from './backups.ts';
import { decodeCredentials, encodeS3Credentials } from './credentials.ts';
import { restoredFrom, storageBytes } from './either-revision.ts';
import { errorTable, SkybackupError, toSkybackupError } from './errors.ts';
import { homeOf } from './home.ts';
import { isBackupId, serviceIdOf } from './ids.ts';
import { Restore, RestoreLookup, RestoreRequest } from './restores.ts';
import { ScheduleRequest } from './schedules.ts';
import { RegisterServiceRequest, Service } from './services.ts';
import { classifyStatus } from './status.ts';
import { parsePointInTime, toPointInTime, toRfc3339 } from './time.ts';

const backupId = 'eda3b72460c8c0d9d61a7f01b6a22e32:dbtgf28216706:pod-0';

describe('both revisions are read', () => {
  it('takes the size from either field', () => {
    const base = { id: backupId, service_id: 'dbtgf28216706', type: 'full', status: 'Succeeded' };
    expect(storageBytes(Backup.parse({ ...base, backup_size: 7 }))).toBe(7);
    expect(storageBytes(Backup.parse({ ...base, backup_size: 7, storage_bytes: 8 }))).toBe(8);
  });

  it('takes the backup of a restore from either name and keeps unknown fields', () => {
    const restore = Restore.parse({ id: 12, service_id: 's', key: backupId, status: 'Running', colour: 'blue' });
    expect(restoredFrom(restore)).toBe(backupId);
    expect(restore.colour).toBe('blue');
  });

  it('reads a null list of look-up services as none', () => {
    expect(RestoreLookup.parse({ services: null }).services).toEqual([]);
  });

  it('reads a service status it does not know as unknown', () => {
    expect(Service.parse({ id: 's', status: 'dancing' }).status).toBe('unknown');
  });
});

describe('requests are strict', () => {
  it('names an unknown field', () => {
    const result = ScheduleRequest.safeParse({
      backup_type: 'full',
      schedule: 'once',
      service_id: 's',
      compress: true,
    });
    expect(result.error?.issues[0]).toMatchObject({ code: 'unrecognized_keys', keys: ['compress'] });
  });

  it.each([
    [{ service_id: 's', id: 'x' }, true],
    [{ service_id: 's', key: 'x' }, true],
    [{ service_id: 's' }, false],
    [{ service_id: 's', id: 'x', key: 'x' }, false],
  ])('a restore names its backup once: %j → %s', (request, valid) => {
    expect(RestoreRequest.safeParse(request).success).toBe(valid);
  });

  it('a managed service brings no connection, any other one does', () => {
    const connection = { socket: '/run/mysqld/mysqld.sock' };
    const parse = (value: unknown) => RegisterServiceRequest.safeParse(value).success;
    expect(parse({ id: 'orders', control: { kind: 'managed' } })).toBe(true);
    expect(parse({ id: 'orders', control: { kind: 'managed' }, connection })).toBe(false);
    expect(parse({ id: 'orders', control: { kind: 'none' } })).toBe(false);
    expect(parse({ id: 'orders', control: { kind: 'none' }, connection })).toBe(true);
    expect(parse({ id: '../etc', control: { kind: 'managed' } })).toBe(false);
  });
});

describe('status words', () => {
  it.each([
    ['Succeeded', 'done'],
    ['success', 'done'],
    ['Completed', 'done'],
    ['Failed', 'failed'],
    ['Completed with errors', 'failed'],
    ['aborted', 'failed'],
    ['Cancelled', 'failed'],
    ['Running', 'in_progress'],
    ['Scheduled', 'in_progress'],
    ['', 'in_progress'],
  ])('%j is %s', (raw, outcome) => {
    expect(classifyStatus(raw)).toBe(outcome);
  });
});

describe('ids', () => {
  it('takes a service id or its domain name', () => {
    expect(serviceIdOf('dbpgf17106534.sysp0000.db2.skysql.com')).toBe('dbpgf17106534');
    expect(serviceIdOf(' orders ')).toBe('orders');
  });

  it('tells a backup id from a service id', () => {
    expect(isBackupId(backupId)).toBe(true);
    expect(isBackupId('dbtgf28216706')).toBe(false);
    expect(isBackupId('../../etc/passwd:a:b')).toBe(false);
  });
});

describe('times', () => {
  it('round-trips every whole second', () => {
    const date = fc.date({ min: new Date('1970-01-01'), max: new Date('2999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(date, (moment) => {
        const text = toPointInTime(moment);
        expect(parsePointInTime(text)?.getTime()).toBe(Math.floor(moment.getTime() / 1000) * 1000);
        expect(toRfc3339(moment)).toBe(`${text.replace(' ', 'T')}Z`);
      }),
    );
  });

  it.each(['2026-02-30 00:00:00', '2026-01-01', '2026-01-01T00:00:00Z', 'yesterday', ''])('refuses %j', (text) => {
    expect(parsePointInTime(text)).toBeUndefined();
  });
});

describe('bucket credentials', () => {
  const keys = { access_key_id: 'AKIAEXAMPLE', secret_access_key: 'abc/def+ghi=', region: 'us-west-2' };

  it('decodes what it encodes', () => {
    expect(
      decodeCredentials(encodeS3Credentials({ ...keys, session_token: 't', endpoint_url: 'http://127.0.0.1:9' })),
    ).toEqual({
      kind: 's3',
      ...keys,
      session_token: 't',
      endpoint_url: 'http://127.0.0.1:9',
    });
  });

  it('accepts a literal backslash-n between the lines, as the documented shell line makes it', () => {
    const text =
      '[default]\\naws_access_key_id = AKIAEXAMPLE\\naws_secret_access_key = abc/def+ghi=\\nregion = us-west-2';
    expect(decodeCredentials(Buffer.from(text).toString('base64'))).toEqual({ kind: 's3', ...keys });
  });

  it('reads a service-account key', () => {
    const key = { type: 'service_account', client_email: 'a@b', private_key: 'k' };
    expect(decodeCredentials(Buffer.from(JSON.stringify(key)).toString('base64'))).toEqual({ kind: 'gcs', key });
  });

  it.each(['', '***', 'e30=', Buffer.from('aws_access_key_id = SECRETX').toString('base64')])(
    'refuses %j without quoting it',
    (text) => {
      expect(() => decodeCredentials(text)).toThrowError(
        expect.objectContaining({ code: 'invalid_request', message: expect.not.stringContaining('SECRETX') }),
      );
    },
  );
});

describe('errors', () => {
  it('every code has a hint that names a next step', () => {
    for (const row of Object.values(errorTable)) expect(row.hint).toMatch(/^[A-Z].{15,}\.$/);
  });

  it('an unforeseen error becomes internal and keeps its own words to itself', () => {
    const error = toSkybackupError(new Error('password=hunter2'));
    expect(error).toBeInstanceOf(SkybackupError);
    expect(error.code).toBe('internal');
    expect(error.message).not.toContain('hunter2');
  });
});

describe('home', () => {
  it('is SKYBACKUP_HOME, else the state folder', () => {
    expect(homeOf({ SKYBACKUP_HOME: '/a/b' }).socket).toBe('/a/b/daemon.sock');
    expect(homeOf({ XDG_STATE_HOME: '/x', HOME: '/h' }).root).toBe('/x/skybackup');
    expect(homeOf({ HOME: '/h' }).root).toBe('/h/.local/state/skybackup');
  });
});
