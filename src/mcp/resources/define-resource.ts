import { type McpServer, type ReadResourceResult, ResourceTemplate } from '@modelcontextprotocol/server';
import type { BackupApi } from '../../client/backup-api.ts';
import type { Settings } from '../../client/settings.ts';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { completions } from '../complete.ts';
import type { GuardContext } from '../context.ts';
import type { Tool } from '../define-tool.ts';
import { serviceLabel } from '../find/service.ts';
import { outwardData, outwardText } from '../outward.ts';
import { runningServices } from './running-services.ts';

export const scheme = 'skybackup://';
const mimeType = 'application/json';
/** How long a host may take a list of what never changes in one process for true. */
export const constantMs = 300_000;

/** What a resource is read from. */
export interface Reading {
  readonly api: BackupApi;
  readonly settings: Settings;
  /** The tools that this caller has. */
  readonly offered: readonly Tool[];
  readonly signal: AbortSignal;
}

interface ResourceDefinition {
  /** Its URI is `skybackup://<name>`; of a service, `skybackup://<name>/{service_id}`. */
  name: string;
  title: string;
  description: string;
  /** The same as long as the process lives: hosts may keep it, and nothing has to watch it. */
  constant?: true;
  read(reading: Reading): Promise<Record<string, unknown>>;
}

interface ServiceResourceDefinition extends Omit<ResourceDefinition, 'read' | 'constant'> {
  /** `service` is what stands in the URI: an id, a unique name or an FQDN. */
  read(reading: Reading, service: string): Promise<Record<string, unknown>>;
}

export interface Resource {
  readonly uri: string;
  readonly title: string;
  readonly description: string;
  readonly constant: boolean;
  /** Whether a URI is this resource's, or one of its template's. */
  has(uri: string): boolean;
  /** As JSON, clean. Throws only `SkybackupError`. */
  read(uri: string, reading: Reading): Promise<string>;
  register(server: McpServer, context: GuardContext): void;
}

/** Data for clients that attach them to a conversation: the same rows as the tools', the first page of each. */
export function defineResource(resource: ResourceDefinition): Resource {
  const { name, title, description, constant = false } = resource;
  const uri = `${scheme}${name}`;
  const read = (_uri: string, reading: Reading): Promise<string> => asJson(() => resource.read(reading));
  return {
    uri,
    title,
    description,
    constant,
    has: (given) => given === uri,
    read,
    register(server, context) {
      const cacheHint = constant ? { cacheHint: { ttlMs: constantMs } } : {};
      server.registerResource(name, uri, { title, description, mimeType, ...cacheHint }, (_uri, ctx) =>
        contents(uri, () => read(uri, { ...context, signal: ctx.mcpReq.signal })),
      );
    },
  };
}

/** One resource for each service, as a template: its ids complete, and the visible services are listed. */
export function defineServiceResource(resource: ServiceResourceDefinition): Resource {
  const { name, title, description } = resource;
  const start = `${scheme}${name}/`;
  const uri = `${start}{service_id}`;
  const serviceIn = (given: string): string => given.slice(start.length);
  const read = (given: string, reading: Reading): Promise<string> =>
    asJson(async () => resource.read(reading, decoded(serviceIn(given))));
  return {
    uri,
    title,
    description,
    constant: false,
    has: (given) => given.startsWith(start) && /^[^/?#]+$/.test(serviceIn(given)),
    read,
    register(server, context) {
      const template = new ResourceTemplate(uri, {
        list: async (ctx) => ({
          resources: (await runningServices(context, ctx.mcpReq.signal)).map((service) => ({
            uri: `${start}${encodeURIComponent(service.id)}`,
            name: `${name}-${outwardText(service.id, 80)}`,
            title: outwardText(`${title}: ${serviceLabel(service)}`, 200),
          })),
        }),
        complete: { service_id: (value) => completions(context.api).service(value, {}) },
      });
      server.registerResource(`service-${name}`, template, { title, description, mimeType }, (given, _variables, ctx) =>
        contents(given.href, () => read(given.href, { ...context, signal: ctx.mcpReq.signal })),
      );
    },
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new SkybackupError('invalid_request', 'The service in this URI is not written as URIs are.', { cause });
  }
}

async function asJson(read: () => Promise<Record<string, unknown>>): Promise<string> {
  try {
    return JSON.stringify(outwardData(await read(), 600));
  } catch (thrown) {
    throw toSkybackupError(thrown);
  }
}

async function contents(uri: string, read: () => Promise<string>): Promise<ReadResourceResult> {
  try {
    return { contents: [{ uri, mimeType, text: await read() }] };
  } catch (thrown) {
    const { message, hint, code } = toSkybackupError(thrown);
    // The SDK hands a thrown message on verbatim: only clean words may leave.
    throw new Error(outwardText(`${message} ${hint} [${code}]`, 600));
  }
}
