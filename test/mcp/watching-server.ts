import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { runStdio } from '../../src/mcp/stdio.ts';

// The MCP server on stdio as it is installed, but for how often it looks for changes: once a minute is long for a test.
const settings = readSettings(process.env);
await runStdio({ api: openBackupApi(settings), settings, version: '0.0.0' }, 100);
process.exit(0);
