import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { Connection, Control } from '../../contract/services.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { ServiceRecord } from '../service.ts';
import { optional, time } from './rows.ts';

const json = (text: string): unknown => JSON.parse(text);

const ServiceRow = z.object({
  id: z.string(),
  name: z.string(),
  control: z.string().transform((text) => Control.parse(json(text))),
  connection: z.string().transform((text) => Connection.parse(json(text))),
  datadir: z.string().nullable(),
  incarnation: z.string(),
  highest_gtids: z.string(),
  server_id: optional(z.number()),
  server_version: optional(z.string()),
  server_hostname: optional(z.string()),
  server_datadir: optional(z.string()),
  locked_at: optional(time),
  locked_until: optional(time),
  lock_reason: optional(z.string()),
  locked_by: optional(z.string()),
  copied_from: optional(z.string()),
  created_at: z.number(),
});

/** What was learnt of a server the last time it was looked at. */
export interface KnownServer {
  version: string;
  server_id: number;
  hostname: string;
  /** Where the server itself says its data are, on its own machine; undefined when it was not asked. */
  datadir?: string | undefined;
}

/** A service's lock as it was set; whether it still holds is the clock's to say. */
export interface StoredLock {
  since: Date;
  until: Date | undefined;
  reason: string | undefined;
  /** The principal who set it. */
  by: string;
}

export interface StoredService extends ServiceRecord {
  /** Highest GTID sequence per domain and server ever seen; '' when none is known. */
  highest_gtids: string;
  server: KnownServer | undefined;
  lock: StoredLock | undefined;
  /** Of a copy that a restore made beside the others: the backup it is of. */
  copied_from: string | undefined;
}

/** The registered servers. */
export function servicesTable(db: DatabaseSync) {
  const insert = db.prepare(
    'INSERT INTO services (id, name, control, connection, datadir, incarnation, created_at, copied_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const one = db.prepare('SELECT * FROM services WHERE id = ?');
  const all = db.prepare('SELECT * FROM services ORDER BY id');
  const remove = db.prepare('DELETE FROM services WHERE id = ?');
  const setIncarnation = db.prepare('UPDATE services SET incarnation = ? WHERE id = ?');
  const setServer = db.prepare(
    'UPDATE services SET server_id = ?, server_version = ?, server_hostname = ?, server_datadir = coalesce(?, server_datadir) WHERE id = ?',
  );
  const setLock = db.prepare(
    'UPDATE services SET locked_at = ?, locked_until = ?, lock_reason = ?, locked_by = ? WHERE id = ?',
  );
  const setGtids = db.prepare('UPDATE services SET highest_gtids = ? WHERE id = ?');

  return {
    /** False when the id is taken. */
    add(service: ServiceRecord, copiedFrom?: string): boolean {
      const { id, name, control, connection, datadir, incarnation, created_at } = service;
      return (
        insert.run(
          id,
          name,
          JSON.stringify(control),
          JSON.stringify(connection),
          datadir ?? null,
          incarnation,
          Date.parse(created_at),
          copiedFrom ?? null,
        ).changes === 1
      );
    },
    get(id: string): StoredService | undefined {
      const row = one.get(id);
      return row && read(row);
    },
    list: (): StoredService[] => all.all().map(read),
    remove: (id: string): boolean => remove.run(id).changes === 1,
    setIncarnation: (id: string, incarnation: string): void => void setIncarnation.run(incarnation, id),
    setServer: (id: string, server: KnownServer): void =>
      void setServer.run(server.server_id, server.version, server.hostname, server.datadir ?? null, id),
    /** Undefined takes the lock away. */
    setLock: (id: string, lock: StoredLock | undefined): void =>
      void setLock.run(
        lock?.since.getTime() ?? null,
        lock?.until?.getTime() ?? null,
        lock?.reason ?? null,
        lock?.by ?? null,
        id,
      ),
    setHighestGtids: (id: string, gtids: string): void => void setGtids.run(gtids, id),
  };
}

function read(raw: unknown): StoredService {
  const { server_id, server_version, server_hostname, server_datadir, created_at, datadir, ...columns } =
    ServiceRow.parse(raw);
  const { locked_at, locked_until, lock_reason, locked_by, ...row } = columns;
  return {
    ...row,
    datadir: datadir ?? undefined,
    created_at: toRfc3339(new Date(created_at)),
    server:
      server_id === undefined || server_version === undefined || server_hostname === undefined
        ? undefined
        : { server_id, version: server_version, hostname: server_hostname, datadir: server_datadir },
    lock:
      locked_at === undefined
        ? undefined
        : { since: locked_at, until: locked_until, reason: lock_reason, by: locked_by ?? 'nobody known' },
  };
}
