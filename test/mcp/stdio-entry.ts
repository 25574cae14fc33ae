import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { runStdio } from '../../src/mcp/stdio.ts';

const settings = readSettings(process.env);
await runStdio({ api: openBackupApi(settings), settings, version: '0.0.0-test' });
