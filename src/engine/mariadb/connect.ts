import { readFile } from 'node:fs/promises';
import { createConnection, type Connection as RawConnection } from 'mariadb';
import { SkybackupError } from '../../contract/errors.ts';
import type { Connection } from '../../contract/services.ts';
import { describeLogin, type Login, readLogin } from './login.ts';
import { sqlFailure } from './sql-failure.ts';

export interface SqlConnection {
  /** Rows as objects; BIGINT and DECIMAL come as numbers, dates as text. Throws SkybackupError with `details.errno`. */
  query<T extends object>(sql: string, params?: unknown[]): Promise<T[]>;
  /** Never throws, also when the server has gone. */
  close(): Promise<void>;
  readonly raw: RawConnection;
}

export interface ConnectOptions {
  /** An abort while connected cuts the connection: a query that waits for a lock ends at once. */
  signal?: AbortSignal;
  /** For connecting. Default 10,000. */
  timeoutMs?: number;
}

/** Logs in to a service. Throws `service_down`, `access_denied`, `privilege_missing`, `cancelled`. */
export async function connect(connection: Connection, options: ConnectOptions = {}): Promise<SqlConnection> {
  return connectWith(await readLogin(connection, options.signal), options);
}

/** As `connect`, with a login that was read already. */
export async function connectWith(login: Login, options: ConnectOptions = {}): Promise<SqlConnection> {
  const { signal, timeoutMs = 10_000 } = options;
  const who = describeLogin(login);
  if (signal?.aborted) throw new SkybackupError('cancelled', 'It was cancelled before it began.');
  const raw = await createConnection({
    ...(login.socket === undefined
      ? { host: login.host ?? '127.0.0.1', port: login.port ?? 3306 }
      : { socketPath: login.socket }),
    user: login.user,
    password: login.password,
    ...(login.tls === undefined ? {} : { ssl: await tlsMaterial(login.tls) }),
    connectTimeout: timeoutMs,
    bigIntAsNumber: true,
    decimalAsNumber: true,
    dateStrings: true,
    charset: 'utf8mb4',
  }).catch((error: unknown) => {
    throw sqlFailure(error, who, signal);
  });
  // Without a listener, a server that goes away between two queries would end the process.
  raw.on('error', () => {});
  const cut = (): void => raw.destroy();
  if (signal?.aborted) cut();
  signal?.addEventListener('abort', cut, { once: true });

  return {
    raw,
    query: async <T extends object>(sql: string, params?: unknown[]): Promise<T[]> => {
      try {
        return await raw.query<T[]>(sql, params);
      } catch (error) {
        throw sqlFailure(error, who, signal);
      }
    },
    close: async () => {
      signal?.removeEventListener('abort', cut);
      await raw.end().catch(() => raw.destroy());
    },
  };
}

async function tlsMaterial(tls: NonNullable<Login['tls']>) {
  const read = async (path: string | undefined) => (path === undefined ? undefined : await readFile(path));
  const [ca, cert, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: tls.verify || ca !== undefined,
  };
}
