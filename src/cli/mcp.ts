import { openBackupApi } from '../client/open.ts';
import { readSettings } from '../client/settings.ts';
import { version } from '../client/version.ts';
import { runStdio } from '../mcp/stdio.ts';
import { exitCodes, type Terminal } from './terminal.ts';

/** The MCP server on stdin and stdout, until stdin ends. Nothing is started or written before its first call. */
export async function mcp(terminal: Terminal): Promise<number> {
  const settings = readSettings(terminal.env);
  for (const warning of settings.warnings) terminal.note(`skybackup: ${warning}`);
  await runStdio({ api: openBackupApi(settings), settings, version });
  return exitCodes.done;
}
