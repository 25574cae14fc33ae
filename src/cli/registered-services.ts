import { existsSync } from 'node:fs';
import type { Home } from '../contract/home.ts';
import type { StoredService } from '../engine/store/services-table.ts';

/** The services of the local daemon with their connections, read from its state without changing it; it need not run. */
export async function readRegisteredServices(home: Home): Promise<StoredService[]> {
  if (!existsSync(home.state)) return [];
  const { DatabaseSync } = await import('node:sqlite');
  const { servicesTable } = await import('../engine/store/services-table.ts');
  const db = new DatabaseSync(home.state, { readOnly: true, timeout: 5000 });
  try {
    return servicesTable(db).list();
  } finally {
    db.close();
  }
}
