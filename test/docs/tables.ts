import type { Tool } from '@modelcontextprotocol/client';
import { type SettingRow, settingsTable } from '../../src/client/settings-table.ts';
import { allTools } from '../../src/mcp/tools/all.ts';

/** The README's settings table, from the data that the program itself checks by. */
export function settingsInMarkdown(): string {
  const row = ({ name, default: otherwise, values, effect }: SettingRow): string =>
    `| \`${name}\` | ${otherwise} | ${values} | ${effect} |`;
  return ['| variable | default | values | effect |', '|---|---|---|---|', ...settingsTable.map(row)].join('\n');
}

/** The README's tools table: what each is for, and whether it asks a person first. */
export function toolsInMarkdown(listed: readonly Tool[]): string {
  const row = ({ name, title, annotations, inputSchema }: Tool): string => {
    const destructive = allTools.some((tool) => tool.name === name && tool.operation === 'destructive');
    const always = 'target' in (inputSchema.properties ?? {}) ? 'unless into a new service' : 'always';
    const place = 'storage' in (inputSchema.properties ?? {}) ? 'the first time to a storage' : 'no';
    const asks = destructive ? always : annotations?.destructiveHint ? 'when less is protected afterwards' : place;
    return `| \`${name}\` | ${title} | ${asks} |`;
  };
  return ['| tool | what it does | asks a person |', '|---|---|---|', ...listed.map(row)].join('\n');
}
