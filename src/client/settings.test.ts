import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SkybackupError } from '../contract/errors.ts';
import { redact } from '../contract/redact.ts';
import { readSettings } from './settings.ts';
import { bundleField, settingNames, settingsTable } from './settings-table.ts';

const home = { HOME: '/home/someone' };
const cloud = { ...home, SKYSQL_API_KEY: 'cloud-key-of-this-test' };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function refusal(env: Record<string, string>): SkybackupError {
  try {
    readSettings(env);
  } catch (error) {
    if (error instanceof SkybackupError && error.code === 'invalid_settings') return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the provider', () => {
  test('without any setting it is the local daemon in the XDG state folder', () => {
    const settings = readSettings(home);
    expect(settings.provider).toEqual({ kind: 'local' });
    expect(settings.home.socket).toBe('/home/someone/.local/state/skybackup/daemon.sock');
    expect(settings).toMatchObject({ confirm: 'ask', readOnly: false, services: undefined, warnings: [] });
  });

  test('an API key means the cloud', () => {
    expect(readSettings(cloud).provider).toEqual({
      kind: 'cloud',
      url: 'https://api.skysql.com',
      key: 'cloud-key-of-this-test',
      keySetting: 'SKYSQL_API_KEY',
      auth: 'x-api-key',
      organisation: undefined,
    });
    const all = { ...cloud, SKYSQL_API_URL: 'https://eu.example.com/api/', SKYSQL_AUTH: 'Bearer', SKYSQL_ORG: 'org12' };
    expect(readSettings(all).provider).toMatchObject({
      url: 'https://eu.example.com/api',
      auth: 'bearer',
      organisation: 'org12',
    });
  });

  test('a URL and a key mean a daemon elsewhere; over http that is said', () => {
    const env = { ...home, SKYBACKUP_URL: 'https://backup.example.com', SKYBACKUP_API_KEY: 'skb_key' };
    expect(readSettings(env)).toMatchObject({
      provider: { kind: 'daemon', url: 'https://backup.example.com', key: 'skb_key', keySetting: 'SKYBACKUP_API_KEY' },
      warnings: [],
    });
    expect(readSettings({ ...env, SKYBACKUP_URL: 'http://127.0.0.1:8350' }).warnings).toEqual([]);
    expect(readSettings({ ...env, SKYBACKUP_URL: 'http://db1:8350' }).warnings).toEqual([
      expect.stringContaining('over http'),
    ]);
  });

  test('the families exclude each other', () => {
    const error = refusal({ ...cloud, SKYBACKUP_URL: 'https://x.example' });
    expect(error.message).toContain('SKYSQL_API_KEY and SKYBACKUP_URL are both set');
    expect(error.hint).toContain('two entries');
  });

  test('half a family is refused, and never falls back to the local daemon', () => {
    expect(refusal({ ...home, SKYSQL_ORG: 'org1' }).message).toContain('SKYSQL_API_KEY is not');
    expect(refusal({ ...home, SKYBACKUP_URL: 'https://x.example' }).message).toContain('SKYBACKUP_API_KEY is not');
    expect(refusal({ ...home, SKYBACKUP_API_KEY: 'k' }).message).toContain('SKYBACKUP_URL is not');
  });
});

describe('names', () => {
  test('an unknown SKYBACKUP_ name is refused with the nearest right one', () => {
    expect(refusal({ ...home, SKYBACKUP_READONLY: '1' }).hint).toBe('Did you mean SKYBACKUP_READ_ONLY?');
    expect(refusal({ ...home, SKYBACKUP_SEVRICES: 'a' }).hint).toBe('Did you mean SKYBACKUP_SERVICES?');
    expect(refusal({ ...home, skybackup_read_only: '1' }).hint).toBe('Did you mean SKYBACKUP_READ_ONLY?');
    expect(refusal({ ...home, SKYBACKUPS_READ_ONLY: '1' }).hint).toBe('Did you mean SKYBACKUP_READ_ONLY?');
    expect(refusal({ ...home, SKYBACKUP_SOMETHING_ELSE: '1' }).hint).toContain('SKYBACKUP_HOME');
  });

  test('what others call theirs is none of ours', () => {
    const others = { MYBACKUP_HOME: '/x', BACKUP_URL: 'y', BACKUP_READ_ONLY: '1', SKYPE_HOME: '/z' };
    expect(readSettings({ ...home, ...others }).warnings).toEqual([]);
  });

  test('an unknown SKYSQL_ name only warns', () => {
    const { warnings } = readSettings({ ...home, SKYSQL_API_KEYS: 'x', SKYSQL_PROJECT: 'y' });
    expect(warnings).toEqual([
      'SKYSQL_API_KEYS is not a setting of skybackup and has no effect; did you mean SKYSQL_API_KEY?',
      'SKYSQL_PROJECT is not a setting of skybackup and has no effect.',
    ]);
  });

  test('one letter more, less or other in any name of ours never goes unnoticed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...settingNames.filter((name) => name.startsWith('SKYBACKUP_'))),
        fc.nat(),
        fc.constantFrom('X', 'Q', ''),
        fc.nat(1),
        (name, at, letter, replaced) => {
          const i = at % name.length;
          const typo = name.slice(0, i) + letter + name.slice(i + (letter === '' ? 1 : replaced));
          fc.pre(!settingNames.includes(typo));
          expect(settingNames.some((known) => refusal({ ...home, [typo]: '1' }).hint.includes(known))).toBe(true);
        },
      ),
    );
  });
});

describe('values', () => {
  test.each([
    ['SKYBACKUP_CONFIRM', 'no', 'ask, strict, host'],
    ['SKYBACKUP_READ_ONLY', 'maybe', '1, 0'],
    ['SKYBACKUP_APP_CONFIRM', 'yes', '1, 0'],
    ['SKYBACKUP_SERVICES', ',', 'service ids'],
    ['SKYBACKUP_SERVICES', 'a b', 'service ids'],
    ['SKYBACKUP_HOME', '~/backups', 'absolute path'],
  ])('%s=%s is refused, naming what is allowed', (name, value, allowed) => {
    expect(refusal({ ...home, [name]: value })).toMatchObject({
      message: `${name} is "${value}", which is not allowed.`,
      hint: expect.stringContaining(allowed),
    });
  });

  test.each([
    ['SKYSQL_AUTH', 'basic'],
    ['SKYSQL_API_URL', 'api.skysql.com'],
    ['SKYSQL_API_URL', 'http://api.skysql.com'],
    ['SKYSQL_API_URL', 'https://api.skysql.com/?x=1'],
    ['SKYSQL_ORG', 'two words'],
  ])('%s=%s is refused', (name, value) => {
    expect(refusal({ ...cloud, [name]: value }).message).toContain(`${name} is `);
  });

  test('a key that went into the wrong variable is not repeated', () => {
    const key = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.payload.signature';
    expect(refusal({ ...cloud, SKYSQL_AUTH: `Bearer ${key}` }).message).not.toContain('eyJ');
    expect(refusal({ ...cloud, SKYSQL_API_URL: 'https://user:pass-word@x.example' }).message).not.toContain(
      'pass-word',
    );
  });

  test('service ids may be domain names; blanks and doubles do not matter', () => {
    const { services } = readSettings({
      ...home,
      SKYBACKUP_SERVICES: ' dbpgf17106534.sysp0000.db2.skysql.com, orders,orders,',
    });
    expect(services).toEqual(['dbpgf17106534', 'orders']);
  });

  test('an empty value counts as not set', () => {
    expect(readSettings({ ...home, SKYSQL_API_KEY: '', SKYBACKUP_READ_ONLY: ' ' })).toMatchObject({
      provider: { kind: 'local' },
      readOnly: false,
    });
  });

  test('a variable that was never filled in counts as not set, and that is said', () => {
    const unfilled = ['$', '{SKYSQL_API_KEY}'].join('');
    const { provider, warnings } = readSettings({ ...home, SKYSQL_API_KEY: unfilled });
    expect(provider.kind).toBe('local');
    expect(warnings).toEqual([expect.stringContaining(`SKYSQL_API_KEY is ${unfilled}`)]);
  });

  test('a field of a bundle that was left empty counts as not set, and nothing is said', () => {
    const env = { ...home, SKYSQL_API_KEY: bundleField('SKYSQL_API_KEY'), SKYBACKUP_URL: bundleField('SKYBACKUP_URL') };
    expect(readSettings(env)).toMatchObject({ provider: { kind: 'local' }, warnings: [] });
  });

  test('what a form begins with means the same as nothing', () => {
    for (const { name, default: value } of settingsTable.filter((row) => row.guard))
      expect(readSettings({ ...home, [name]: value })).toEqual(readSettings(home));
  });

  test.each(settingsTable.filter((row) => row.guard).map((row) => row.name))(
    '%s that was never filled in is refused',
    (name) => {
      expect(refusal({ ...home, [name]: ['$', '{SOMETHING}'].join('') }).message).toContain('never filled in');
      expect(refusal({ ...home, [name]: bundleField(name) }).message).toContain('never filled in');
    },
  );
});

describe('keys', () => {
  test('a key file is read, its value is a secret, and loose permissions are said', () => {
    const path = join(folder, 'key');
    writeFileSync(path, 'key-out-of-a-file\n', { mode: 0o600 });
    const env = { ...home, SKYSQL_API_KEY_FILE: path };
    expect(readSettings(env)).toMatchObject({
      provider: { key: 'key-out-of-a-file', keySetting: 'SKYSQL_API_KEY_FILE' },
      warnings: [],
    });
    expect(redact('the key-out-of-a-file leaks')).toBe('the [redacted] leaks');
    chmodSync(path, 0o644);
    expect(readSettings(env).warnings).toEqual([expect.stringContaining(`chmod 600 ${path}`)]);
  });

  test('a key given directly is a secret too', () => {
    readSettings(cloud);
    expect(redact('cloud-key-of-this-test')).toBe('[redacted]');
  });

  test('missing, empty, foldered and doubled keys are refused by name', () => {
    const empty = join(folder, 'empty');
    writeFileSync(empty, '\n');
    const both = { ...cloud, SKYSQL_API_KEY_FILE: empty };
    expect(refusal({ ...home, SKYSQL_API_KEY_FILE: join(folder, 'absent') }).message).toContain('SKYSQL_API_KEY_FILE');
    expect(refusal({ ...home, SKYSQL_API_KEY_FILE: folder }).message).toContain('not a small file');
    expect(refusal({ ...home, SKYSQL_API_KEY_FILE: empty }).message).toContain('is empty');
    expect(refusal(both).message).toContain('both set');
    expect(refusal({ ...home, SKYSQL_API_KEY: 'two words' }).message).not.toContain('two words');
  });
});
