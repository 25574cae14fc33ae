import type { McpbManifestAny } from '@anthropic-ai/mcpb';
import { bundleField, type SettingRow, settingsTable } from '../../src/client/settings-table.ts';

export interface Product {
  name: string;
  version: string;
  description: string;
  license: string;
  engines: { node: string };
}

/** What a server says of itself when it is started without settings. */
export interface Offered {
  tools: { name: string; description: string }[];
  prompts: boolean;
}

type Field = NonNullable<McpbManifestAny['user_config']>[string];

/** Where the program lies in a bundle. */
export const programFolder = 'server';

/** The settings that a server reads; the rest are the set-up's. */
export const serverSettings: readonly SettingRow[] = settingsTable.filter(({ setUp }) => !setUp);

/** The manifest of a bundle, from package.json, the table of settings and what the server lists. */
export function bundleManifest({ name, version, description, license, engines }: Product, offered: Offered) {
  const entry = `${programFolder}/skybackup.js`;
  return {
    manifest_version: '0.3',
    name,
    display_name: 'MariaDB backups',
    version,
    description,
    long_description:
      'Takes, schedules, inspects and restores backups of MariaDB: in SkySQL / MariaDB Cloud once an API key is given, on your own servers otherwise. ' +
      'Without settings it starts a daemon on this machine (not on Windows), which needs a Node of the machine and the tools of MariaDB. ' +
      'Whatever cannot be undone waits for the yes of a person.',
    author: { name: 'The skybackup project' },
    license,
    keywords: ['mariadb', 'backup', 'restore', 'skysql'],
    server: {
      type: 'node',
      entry_point: entry,
      mcp_config: {
        command: 'node',
        args: [`\${__dirname}/${entry}`, 'mcp'],
        env: Object.fromEntries(serverSettings.map((row) => [row.name, bundleField(row.name)])),
      },
    },
    tools: offered.tools,
    // Which of them are there depends on the settings.
    tools_generated: true,
    ...(offered.prompts ? { prompts_generated: true } : {}),
    compatibility: { platforms: ['darwin', 'linux', 'win32'], runtimes: { node: engines.node } },
    user_config: Object.fromEntries(serverSettings.map((row) => [row.name.toLowerCase(), fieldOf(row)])),
  } satisfies McpbManifestAny;
}

const families = { cloud: 'SkySQL', daemon: 'Daemon elsewhere', all: 'skybackup' };
const types: Record<string, Field['type']> = { switch: 'boolean', folder: 'directory' };

function fieldOf(row: SettingRow): Field {
  const { name, family, file, guard, form, effect, values } = row;
  const words = name
    .replace(/^[A-Z]+_/, '')
    .toLowerCase()
    .replaceAll('_', ' ');
  const type = (typeof form === 'string' ? types[form] : undefined) ?? 'string';
  return {
    type,
    title: `${families[family]}: ${words.replace(/\b(api|url)\b/g, (word) => word.toUpperCase())}`,
    // A form has no place for `_FILE`: what is given in it is kept by the client.
    description: `${effect[0]?.toUpperCase()}${effect.slice(1)} (${values.replace(/; or \w+_FILE .*/, '')}).`,
    required: false,
    ...(file ? { sensitive: true } : {}),
    // Hosts leave the place of an empty field as it is, which a guard takes for a slip and refuses.
    ...(guard ? { default: type === 'boolean' ? row.default === '1' : row.default } : {}),
  };
}
