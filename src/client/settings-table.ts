/** One row a setting: the README's table, the checks and the suggestions for misspelt names all come from here. */
export interface SettingRow {
  name: string;
  /** What holds when it is not set, for people. */
  default: string;
  /** What may be given, for people. */
  values: string;
  effect: string;
  family: 'cloud' | 'daemon' | 'all';
  /** `<name>_FILE` may be given instead, naming a file that holds the value. */
  file?: true;
  /**
   * It tightens what is allowed: a value that was never filled in is refused, since taking it for "not set" would grant more.
   * Its default is a value that may be given, so that a form can begin with it.
   */
  guard?: true;
  /** How a form asks for it, where a line of text is not the best way. */
  form?: 'switch' | 'folder' | readonly string[];
  /** Only the set-up of a clone reads it, no server. */
  setUp?: true;
}

export const defaultCloudUrl = 'https://api.skysql.com';
export const authForms = ['x-api-key', 'bearer'] as const;
export const confirmModes = ['ask', 'strict', 'host'] as const;

export const settingsTable: readonly SettingRow[] = [
  {
    name: 'SKYSQL_API_KEY',
    default: 'not set: the local daemon',
    values: 'an API key of the cloud; or SKYSQL_API_KEY_FILE with the path of a file that holds it',
    effect: 'speaks to the SkySQL / MariaDB Cloud backup service',
    family: 'cloud',
    file: true,
  },
  {
    name: 'SKYSQL_API_URL',
    default: defaultCloudUrl,
    values: 'an https:// address',
    effect: 'where the cloud service answers',
    family: 'cloud',
  },
  {
    name: 'SKYSQL_AUTH',
    default: 'x-api-key',
    values: authForms.join(', '),
    form: authForms,
    effect: 'how the key is sent: header X-API-Key, or Authorization: Bearer',
    family: 'cloud',
  },
  {
    name: 'SKYSQL_ORG',
    default: "the key's own",
    values: 'an organisation id',
    effect: 'acts in that organisation (header X-MDB-Org)',
    family: 'cloud',
  },
  {
    name: 'SKYBACKUP_URL',
    default: 'not set: the local daemon',
    values: 'an https:// or http:// address',
    effect: 'speaks to a skybackup daemon elsewhere; needs SKYBACKUP_API_KEY',
    family: 'daemon',
  },
  {
    name: 'SKYBACKUP_API_KEY',
    default: 'not set',
    values: 'a key of that daemon; or SKYBACKUP_API_KEY_FILE with the path of a file that holds it',
    effect: 'the key for SKYBACKUP_URL',
    family: 'daemon',
    file: true,
  },
  {
    name: 'SKYBACKUP_HOME',
    default: '$XDG_STATE_HOME/skybackup (~/.local/state/skybackup)',
    values: 'an absolute path, short enough for a socket in it',
    form: 'folder',
    effect: "the local daemon's folder: socket, state, log, repository, managed servers",
    family: 'all',
  },
  {
    name: 'SKYBACKUP_CONFIRM',
    default: 'ask',
    values: confirmModes.join(', '),
    form: confirmModes,
    effect:
      'who says yes to what cannot be undone: a form of the client or the terminal (ask), only a separate approver key (strict), only the host (host)',
    family: 'all',
    guard: true,
  },
  {
    name: 'SKYBACKUP_APP_CONFIRM',
    default: '0',
    values: '1, 0',
    effect: 'with 1 a page of a client with MCP Apps may say yes too; not where SKYBACKUP_CONFIRM is strict or host',
    family: 'all',
    guard: true,
    form: 'switch',
  },
  {
    name: 'SKYBACKUP_READ_ONLY',
    default: '0',
    values: '1, 0',
    form: 'switch',
    effect: 'with 1 only the reading tools exist',
    family: 'all',
    guard: true,
  },
  {
    name: 'SKYBACKUP_SERVICES',
    default: '*',
    values: 'service ids or domain names, separated by commas; * is all',
    effect: 'hides every other service, as source and as target',
    family: 'all',
    guard: true,
  },
  {
    name: 'SKYBACKUP_NO_INSTALL',
    default: '0',
    values: '1, 0',
    effect: 'with 1 the set-up of a clone installs no system packages, and names what is missing',
    family: 'all',
    setUp: true,
  },
];

/** Every name that may be set, the `_FILE` forms included. */
export const settingNames: readonly string[] = settingsTable.flatMap(({ name, file }) =>
  file ? [name, `${name}_FILE`] : [name],
);

/** What the manifest of a bundle has where the host fills in a setting; left as it is where the person gave nothing. */
export function bundleField(name: string): string {
  return `\${user_config.${name.toLowerCase()}}`;
}

/** The known name nearest to a misspelt one, or undefined when none is near. */
export function nearestSetting(name: string, atMost = 4): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const known of settingNames) {
    const distance = editDistance(name.toUpperCase(), known);
    if (distance <= atMost && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name: known, distance };
  }
  return best?.name;
}

/** How many letters must be put in, taken out, replaced or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j += 1) {
      const change = cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? cell(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      rows[i]?.push(Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, change, swap));
    }
  }
  return cell(a.length, b.length);
}
