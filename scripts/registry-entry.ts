// `npm run registry-entry`: server.json anew, after a change of package.json or of a setting.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { registryEntry } from './packaging/registry-entry.ts';

const root = dirname(import.meta.dirname);
const entry = registryEntry(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
writeFileSync(join(root, 'server.json'), `${JSON.stringify(entry, null, 2)}\n`);
