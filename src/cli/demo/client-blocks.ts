/** How a client starts our server: a program, its arguments, and settings. */
export interface Launch {
  command: string;
  args: string[];
  env?: Record<string, string>;
}

export interface ClientBlock {
  client: string;
  /** Where the block goes, in words. */
  place: string;
  text: string;
}

/** The blocks to paste, one per client. The package is not published, so that each names the built file by its path. */
export function clientBlocks(launch: Launch): ClientBlock[] {
  return [
    {
      client: 'Claude Desktop',
      place: 'Settings → Developer → Edit Config (claude_desktop_config.json)',
      text: json({ mcpServers: { skybackup: launch } }),
    },
    {
      client: 'Claude Code',
      place: 'run in your project, or put the block above into .mcp.json',
      text: [
        'claude mcp add skybackup',
        ...environmentFlags(launch),
        '--',
        ...[launch.command, ...launch.args].map(quoted),
      ].join(' '),
    },
    {
      client: 'VS Code',
      place: '.vscode/mcp.json',
      text: json({ servers: { skybackup: { type: 'stdio', ...launch } } }),
    },
    {
      client: 'Cursor',
      place: '~/.cursor/mcp.json, or .cursor/mcp.json in a project',
      text: json({ mcpServers: { skybackup: launch } }),
    },
  ];
}

/** Indented, but for lists: a command's arguments read as one line. */
function json(value: unknown): string {
  const list = (items: unknown[]): string => `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
  // A list goes through as a marked string, since the indentation is all or nothing.
  const marked = JSON.stringify(value, (_key, item) => (Array.isArray(item) ? `\0${list(item)}` : item), 2);
  return marked.replace(/"\\u0000((?:[^"\\]|\\.)*)"/g, (_match, text: string) => JSON.parse(`"${text}"`));
}

function environmentFlags({ env = {} }: Launch): string[] {
  return Object.entries(env).map(([name, value]) => `--env ${quoted(`${name}=${value}`)}`);
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
