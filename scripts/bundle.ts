// `npm run bundle`: one file with the whole product, which a desktop client installs with one click.
import { dirname, join } from 'node:path';
import { makeBundle } from './packaging/bundle.ts';

console.log(await makeBundle(join(dirname(import.meta.dirname), 'bundle')));
