import { setTimeout as delay } from 'node:timers/promises';
import type { SqlConnection } from '../mariadb/connect.ts';

/** Written by a stopping server in a fraction of a second. */
const fewPages = 256;
const longestMs = 15_000;

/** Makes the page cleaner write as fast as the disk takes it. */
const eager: Readonly<Record<string, string>> = {
  innodb_io_capacity_max: '20000',
  innodb_io_capacity: '20000',
  innodb_max_dirty_pages_pct_lwm: '0',
  innodb_max_dirty_pages_pct: '0',
};

/** The settings that draining changes, as they are now. */
export async function drainSettings(connection: SqlConnection): Promise<Record<string, string>> {
  const rows = await connection.query<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${Object.keys(eager)
      .map(() => '?')
      .join(', ')})`,
    Object.keys(eager),
  );
  return Object.fromEntries(rows.map((row) => [row.Variable_name, row.Value]));
}

/**
 * Brings the dirty pages of a running server down, so that its stop has little left to write and downtime does not grow
 * with its memory. Under a write load they never reach none: then it goes on after a while with what was won.
 */
export async function drain(connection: SqlConnection, signal: AbortSignal): Promise<void> {
  await apply(connection, eager);
  const deadline = Date.now() + longestMs;
  while ((await dirtyPages(connection)) > fewPages && Date.now() < deadline) {
    await delay(100, undefined, { signal });
  }
}

/** Puts the settings back on a server that was not stopped after all. */
export async function undrain(connection: SqlConnection, settings: Readonly<Record<string, string>>): Promise<void> {
  // Capacity last in, first out: its maximum must never be below it.
  await apply(
    connection,
    Object.fromEntries(
      Object.keys(eager)
        .toReversed()
        .flatMap((name) => {
          const value = settings[name];
          return value === undefined ? [] : [[name, value]];
        }),
    ),
  );
}

async function apply(connection: SqlConnection, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    if (name in eager && /^[\d.]+$/.test(value)) await connection.query(`SET GLOBAL ${name} = ${value}`);
  }
}

async function dirtyPages(connection: SqlConnection): Promise<number> {
  const [row] = await connection.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'");
  return Number(row?.Value ?? 0);
}
