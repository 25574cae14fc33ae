import type { Tool } from '@modelcontextprotocol/client';
import { type SettingRow, settingsTable } from '../../src/client/settings-table.ts';
import { allPrompts } from '../../src/mcp/prompts/all.ts';
import { allResources } from '../../src/mcp/resources/all.ts';
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

/** The README's resources table. */
export function resourcesInMarkdown(): string {
  const rows = allResources.map(({ uri, title, description }) => `| \`${uri}\` | ${title} | ${description} |`);
  return ['| resource | title | what it holds |', '|---|---|---|', ...rows].join('\n');
}

/** The README's prompts table: what each is for, what it takes, and without which tools it is not there. */
export function promptsInMarkdown(): string {
  const rows = allPrompts.map(({ name, description, args, needs }) => {
    const [daemon, cloud] = [changing(needs.daemon), changing(needs.cloud)];
    const needed = daemon === cloud ? daemon : `${daemon}; in the cloud ${cloud}`;
    return `| \`${name}\` | ${description} | ${code(args)} | ${needed || 'nothing'} |`;
  });
  return ['| prompt | what it is for | arguments | what it needs |', '|---|---|---|---|', ...rows].join('\n');
}

/** The reading tools are always there. */
function changing(tools: readonly string[]): string {
  return code(tools.filter((each) => allTools.some(({ name, operation }) => name === each && operation !== 'read')));
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
