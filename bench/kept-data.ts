import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The data of before are kept for three days; a bench of many rounds would fill the disk with them. */
export function removeKept(datadir: string): void {
  const parent = dirname(datadir);
  for (const name of readdirSync(parent)) {
    if (name.includes('before-restore')) rmSync(join(parent, name), { recursive: true });
  }
}
