import { isAbsolute } from 'node:path';
import { SkybackupError } from '../contract/errors.ts';
import { type Home, homeOf } from '../contract/home.ts';
import { serviceIdOf } from '../contract/ids.ts';
import { redact } from '../contract/redact.ts';
import { readKey } from './key-setting.ts';
import {
  authForms,
  bundleField,
  confirmModes,
  defaultCloudUrl,
  nearestSetting,
  type SettingRow,
  settingNames,
  settingsTable,
} from './settings-table.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface CloudSettings {
  kind: 'cloud';
  url: string;
  key: string;
  /** The setting the key came from, for messages. */
  keySetting: string;
  auth: (typeof authForms)[number];
  organisation: string | undefined;
}
export interface RemoteDaemonSettings {
  kind: 'daemon';
  url: string;
  key: string;
  keySetting: string;
}
interface LocalDaemonSettings {
  kind: 'local';
}

export interface Settings {
  provider: CloudSettings | RemoteDaemonSettings | LocalDaemonSettings;
  home: Home;
  confirm: (typeof confirmModes)[number];
  /** A page of a client with MCP Apps may say yes, too. */
  appConfirm: boolean;
  readOnly: boolean;
  /** The only service ids that exist for this process; undefined: all. */
  services: string[] | undefined;
  /** What a person should know though nothing is refused. */
  warnings: string[];
}

/**
 * Settings from environment variables. Throws `invalid_settings`, naming the variable and what is allowed, for unknown
 * SKYBACKUP_ names, bad values and mixed families: a typo must never grant more than was meant.
 */
export function readSettings(env: Environment): Settings {
  const warnings: string[] = [];
  checkNames(env, warnings);
  const values = new Map<string, string>();
  for (const row of settingsTable) {
    for (const name of row.file ? [row.name, `${row.name}_FILE`] : [row.name]) {
      const value = filledIn(name, env[name], row, warnings);
      if (value !== undefined) values.set(name, value);
    }
  }
  // First of all the key becomes known: then no refusal repeats it, whichever variable it went into.
  const provider = readProvider(values, warnings);
  const confirm = oneOf('SKYBACKUP_CONFIRM', values, confirmModes) ?? 'ask';
  const appConfirm = flag('SKYBACKUP_APP_CONFIRM', values);
  if (appConfirm && confirm !== 'ask')
    warnings.push(`SKYBACKUP_APP_CONFIRM has no effect while SKYBACKUP_CONFIRM is ${confirm}.`);
  return {
    provider,
    home: homeOf({ ...env, SKYBACKUP_HOME: absolute('SKYBACKUP_HOME', values) }),
    confirm,
    appConfirm,
    readOnly: flag('SKYBACKUP_READ_ONLY', values),
    services: serviceList('SKYBACKUP_SERVICES', values),
    warnings,
  };
}

function readProvider(values: Map<string, string>, warnings: string[]): Settings['provider'] {
  const given = (family: SettingRow['family']): string[] =>
    [...values.keys()].filter((name) =>
      settingsTable.some((row) => row.family === family && name.startsWith(row.name)),
    );
  const cloud = given('cloud');
  const daemon = given('daemon');
  if (cloud.length > 0 && daemon.length > 0) {
    throw refused(
      `${listed(cloud)} and ${listed(daemon)} are both set, and one process speaks to one provider.`,
      'Unset one family. For two providers make two entries in the configuration of your client.',
    );
  }
  if (cloud.length > 0) {
    const { key, keySetting } = readKey('SKYSQL_API_KEY', values, warnings) ?? lacking(cloud, 'SKYSQL_API_KEY');
    const url = baseUrl('SKYSQL_API_URL', values.get('SKYSQL_API_URL') ?? defaultCloudUrl, 'loopback');
    const auth = oneOf('SKYSQL_AUTH', values, authForms) ?? 'x-api-key';
    return { kind: 'cloud', url, key, keySetting, auth, organisation: headerSafe('SKYSQL_ORG', values) };
  }
  if (daemon.length > 0) {
    const { key, keySetting } = readKey('SKYBACKUP_API_KEY', values, warnings) ?? lacking(daemon, 'SKYBACKUP_API_KEY');
    const url = values.get('SKYBACKUP_URL') ?? lacking(daemon, 'SKYBACKUP_URL');
    return { kind: 'daemon', url: baseUrl('SKYBACKUP_URL', url, 'anywhere', warnings), key, keySetting };
  }
  return { kind: 'local' };
}

/** Refuses misspelt names of ours; for SKYSQL_ names, which others use too, it only warns. */
function checkNames(env: Environment, warnings: string[]): void {
  for (const name of Object.keys(env)) {
    if (!/SKY|BACKUP/i.test(name) || settingNames.includes(name)) continue;
    const near = nearestSetting(name);
    if (/^SKYSQL_/i.test(name)) {
      warnings.push(`${name} is not a setting of skybackup and has no effect${near ? `; did you mean ${near}?` : '.'}`);
    } else if (/^SKYBACKUP_/i.test(name) || nearestSetting(name, /^SKY/i.test(name) ? 2 : 1)) {
      throw refused(
        `${name} is not a setting of skybackup.`,
        near ? `Did you mean ${near}?` : `The settings are ${settingNames.join(', ')}.`,
      );
    }
  }
}

/** The value, or undefined when it is empty or an unfilled `${NAME}`. */
function filledIn(name: string, raw: string | undefined, row: SettingRow, warnings: string[]): string | undefined {
  const value = raw?.trim();
  if (!value) return undefined;
  if (!/^\$\{[^{}]*\}$/.test(value)) return value;
  if (row.guard) {
    throw refused(
      `${name} is ${value}: the variable behind it was never filled in.`,
      `Give ${name} a value (${row.values}), or take it out of the configuration.`,
    );
  }
  // So a bundle's host says that the field of this name was left empty, which is no slip.
  if (value !== bundleField(name))
    warnings.push(`${name} is ${value}: the variable behind it was never filled in, so ${name} counts as not set.`);
  return undefined;
}

function oneOf<T extends string>(name: string, values: Map<string, string>, allowed: readonly T[]): T | undefined {
  const value = values.get(name);
  if (value === undefined) return undefined;
  const found = allowed.find((each) => each === value.toLowerCase());
  if (found === undefined) throw badValue(name, value, allowed.join(', '));
  return found;
}

function flag(name: string, values: Map<string, string>): boolean {
  const value = values.get(name)?.toLowerCase();
  if (value === undefined || value === '0' || value === 'false') return false;
  if (value === '1' || value === 'true') return true;
  throw badValue(name, value, '1, 0');
}

function serviceList(name: string, values: Map<string, string>): string[] | undefined {
  const value = values.get(name);
  if (value === undefined || value === '*') return undefined;
  const ids = value.split(',').flatMap((each) => (each.trim() === '' ? [] : [serviceIdOf(each)]));
  if (ids.length === 0 || ids.some((id) => !/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(id)))
    throw badValue(name, value, 'service ids or domain names, separated by commas; * is all');
  return [...new Set(ids)];
}

function absolute(name: string, values: Map<string, string>): string | undefined {
  const value = values.get(name);
  if (value === undefined || isAbsolute(value)) return value;
  throw badValue(name, value, 'an absolute path (a leading ~ is not expanded)');
}

function headerSafe(name: string, values: Map<string, string>): string | undefined {
  const value = values.get(name);
  if (value !== undefined && !/^[\x21-\x7e]{1,200}$/.test(value)) throw badValue(name, value, 'an organisation id');
  return value;
}

/** A base address without a slash at its end. A key never leaves the machine in clear text for the cloud. */
function baseUrl(name: string, value: string, clearText: 'loopback' | 'anywhere', warnings: string[] = []): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !['https:', 'http:'].includes(url.protocol)) throw badValue(name, value, 'an https:// address');
  if (url.username || url.password || url.search || url.hash)
    throw badValue(name, url.origin, 'an address without user, query and fragment');
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && !loopback) {
    if (clearText === 'loopback')
      throw badValue(name, value, 'an https:// address: over http the key would be readable');
    warnings.push(`${name} is ${value}: over http the key and the backups' names can be read on the way.`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function lacking(given: string[], missing: string): never {
  throw refused(
    `${listed(given)} ${given.length > 1 ? 'are' : 'is'} set, and ${missing} is not.`,
    `Set ${missing} too, or unset the rest.`,
  );
}

function badValue(name: string, value: string, allowed: string): SkybackupError {
  // A long value may be a key that went into the wrong variable: it is not repeated.
  const shown = value.length <= 40 ? `"${redact(value)}"` : 'a value';
  return refused(`${name} is ${shown}, which is not allowed.`, `Allowed: ${allowed}.`);
}

function refused(message: string, hint: string): SkybackupError {
  return new SkybackupError('invalid_settings', message, { hint });
}

function listed(names: string[]): string {
  return names.join(', ').replace(/, ([^,]*)$/, ' and $1');
}
