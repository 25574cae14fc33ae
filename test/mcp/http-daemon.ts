import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import type { HttpServer } from './http-wire.ts';
import { type Era, RawClient } from './raw-client.ts';

export const roles = ['viewer', 'operator', 'requester', 'administrator'] as const;
export type Role = (typeof roles)[number];

export interface HttpDaemon {
  readonly daemon: TestDaemon;
  readonly url: string;
  /** A key of each role. */
  readonly keys: Record<Role, string>;
  /** Where the holder of a key connects to. */
  at(key: string): HttpServer;
  /** A client of it, closed by `closeClients`. Default: an administrator's. */
  client(era: Era, server?: HttpServer, elicitation?: boolean): Promise<RawClient>;
  closeClients(): Promise<void>;
  /** A schedule to be deleted, and whether it is still there. */
  newSchedule(): Promise<number>;
  has(schedule: number): Promise<boolean>;
}

/** A daemon on TCP with a service `shop` of its own, as MCP clients elsewhere meet it. */
export async function startHttpDaemon(env: Record<string, string> = {}): Promise<HttpDaemon> {
  const daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'], env });
  await daemon.api.daemon.registerService({ id: 'shop', control: { kind: 'managed' }, nightly: false });
  const made = roles.map(async (role) => [role, (await daemon.api.daemon.createKey({ role })).key]);
  const keys: Record<Role, string> = Object.fromEntries(await Promise.all(made));
  const url = `${daemon.url()}/mcp`;
  const clients: RawClient[] = [];
  const at = (key: string): HttpServer => ({ url, headers: { 'x-api-key': key } });
  return {
    daemon,
    url,
    keys,
    at,
    async client(era, server = at(keys.administrator), elicitation = true) {
      const client = await RawClient.start(server, era, { elicitation });
      clients.push(client);
      return client;
    },
    closeClients: async () => void (await Promise.all(clients.splice(0).map((client) => client.close()))),
    async newSchedule() {
      const made = await daemon.api.createSchedule({ backup_type: 'full', schedule: '0 3 * * *', service_id: 'shop' });
      return made.id;
    },
    has: (schedule) =>
      daemon.api.getSchedule(schedule).then(
        () => true,
        () => false,
      ),
  };
}
