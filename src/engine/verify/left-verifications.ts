import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../../contract/home.ts';
import { removeStaging, stagingAt } from '../restore/staging.ts';

/** Ends and removes what verifications of a killed daemon left: private servers, tools, folders. Returns how many. */
export async function sweepVerifications(home: Home): Promise<number> {
  if (!existsSync(home.verifications)) return 0;
  const left = readdirSync(home.verifications);
  for (const name of left) await removeStaging(stagingAt(join(home.verifications, name)));
  return left.length;
}
