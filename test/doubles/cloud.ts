import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, cloudRoutes, type RouteOptions } from './cloud-routes.ts';
import { type Shapes, shapesOf } from './cloud-shapes.ts';
import { type CloudState, printedRunningRestore, printedState, type Revision } from './cloud-state.ts';

export interface CloudDoubleOptions extends Partial<RouteOptions> {
  /** Default `new`. */
  revision?: Revision;
  /** Keys that are accepted, in either form unless `forms` says otherwise. Default `['cloud-test-key-0123456789']`. */
  keys?: string[];
  forms?: ('x-api-key' | 'bearer')[];
  /** Seeds restore 12, printed as running. */
  runningRestore?: boolean;
  /** How far the cloud's clock is ahead of ours. */
  skewMs?: number;
  /** Whether answers carry a `Date`; default yes. */
  date?: boolean;
}

export interface RecordedRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  /** The parsed JSON body; undefined without one. */
  body: unknown;
}

/** What goes wrong with the next matching requests. Without `status`, `body`, `html`, `reset: 'before'` and `hang` they are carried out. `done: true` carries them out all the same. */
interface Fault {
  method?: string;
  /** Compared with the path: equal, or matched. Default: every path. */
  path?: string | RegExp;
  /** How many requests it strikes; default 1. */
  times?: number;
  status?: number;
  error?: string;
  message?: string;
  done?: boolean;
  retryAfter?: string;
  /** Answers an HTML page instead of JSON. */
  html?: boolean;
  /** Sends this instead of the body, with `status` or 200. */
  body?: string;
  delayMs?: number;
  /** Cuts the answer's body in half: `json` keeps the length honest, `connection` breaks off in mid-body. */
  truncate?: 'json' | 'connection';
  /** Closes the connection: before the request was carried out, or after. */
  reset?: 'before' | 'after';
  /** Never answers. */
  hang?: boolean;
  /** Where an answer of 3xx sends the client. */
  location?: string;
  /** Instead of what belongs to the body. */
  contentType?: string;
  /** This many bytes of white space before the body. */
  padding?: number;
  /** Sends the body so slowly: a piece each so many milliseconds. */
  trickleMs?: number;
  /** What happens when the request arrives. */
  before?: () => void;
  /** What happens in the cloud once the answer is made. */
  afterwards?: (state: CloudState) => void;
}

export interface CloudDouble {
  url: string;
  /** The first accepted key. */
  key: string;
  requests: RecordedRequest[];
  state: CloudState;
  /** Requests whose client went away before it had its answer. */
  abandoned: RecordedRequest[];
  fault(fault: Fault): void;
  /** Ends all faults. */
  mend(): void;
  close(): Promise<void>;
}

/**
 * A double of the cloud at the wire: the printed JSON shapes, both revisions and both authentication forms, on 127.0.0.1.
 * One-time schedules, restores and power changes go one step on at each GET that shows them.
 */
export async function startCloudDouble(options: CloudDoubleOptions = {}): Promise<CloudDouble> {
  const { revision = 'new', keys = ['cloud-test-key-0123456789'], forms = ['x-api-key', 'bearer'] } = options;
  const state = printedState();
  state.skewMs = options.skewMs ?? 0;
  if (options.runningRestore) state.restores.unshift(printedRunningRestore());
  const shapes = shapesOf(revision, state);
  const requests: RecordedRequest[] = [];
  const abandoned: RecordedRequest[] = [];
  const faults: (Fault & { left: number })[] = [];
  const route = cloudRoutes(state, shapes, {
    revision,
    role: options.role ?? 'administrator',
    listNeedsService: options.listNeedsService ?? revision === 'new',
    backupsOfService: options.backupsOfService ?? (revision === 'new' ? 'object' : 'paged'),
    servicesPageSize: options.servicesPageSize ?? 50,
    advance: options.advance ?? true,
    restoresEnd: options.restoresEnd ?? 'Succeeded',
    lists: options.lists ?? {},
  });

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const recorded = await record(request);
    requests.push(recorded);
    response.once('close', () => response.writableFinished || abandoned.push(recorded));
    response.sendDate = false;
    if (options.date ?? true) response.setHeader('date', new Date(Date.now() + state.skewMs).toUTCString());
    const fault = faults.find((each) => each.left > 0 && strikes(each, recorded));
    if (fault) fault.left -= 1;
    fault?.before?.();
    if (fault?.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault?.hang) return;
    if (fault?.reset === 'before') return void response.destroy();
    const outcome = fault && failed(fault, recorded.path, shapes);
    const carryOut = (): Answer => (allowed(recorded, keys, forms) ? route(recorded) : refuse(recorded.path, shapes));
    if (outcome && fault.done) carryOut();
    const result = outcome ?? carryOut();
    // Later changes to the state are not part of this answer.
    const made = { ...result, ...(result.body === undefined ? {} : { body: structuredClone(result.body) }) };
    fault?.afterwards?.(state);
    if (fault?.reset === 'after') return void response.destroy();
    await send(response, made, fault);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: keys[0] ?? '',
    requests,
    state,
    abandoned,
    mend: () => void faults.splice(0),
    fault: (fault) => void faults.push({ ...fault, left: fault.times ?? 1 }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function record(request: IncomingMessage): Promise<RecordedRequest> {
  const url = new URL(request.url ?? '/', 'http://double');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    method: request.method ?? 'GET',
    path: decodeURIComponent(url.pathname),
    query: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

function allowed({ headers }: RecordedRequest, keys: string[], forms: string[]): boolean {
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  return (
    (forms.includes('x-api-key') && keys.includes(headers['x-api-key'] ?? '')) ||
    (forms.includes('bearer') && keys.includes(bearer ?? ''))
  );
}

function refuse(path: string, shapes: Shapes): Answer {
  return { status: 401, body: shapes.error(401, path, 'unauthorized', 'The credentials are missing or not valid.') };
}

function strikes(fault: Fault, { method, path }: RecordedRequest): boolean {
  if (fault.method !== undefined && fault.method !== method) return false;
  if (fault.path === undefined) return true;
  return typeof fault.path === 'string' ? fault.path === path : fault.path.test(path);
}

function failed(fault: Fault, path: string, shapes: Shapes): Answer | undefined {
  const status = fault.status ?? (fault.html ? 502 : fault.body === undefined ? undefined : 200);
  if (status === undefined) return undefined;
  return { status, body: shapes.error(status, path, fault.error ?? 'fault', fault.message ?? 'An injected fault.') };
}

async function send(
  response: ServerResponse,
  { status, body, headers }: Answer,
  fault: Fault | undefined,
): Promise<void> {
  const html = '<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>nginx</h1></body></html>';
  const json = body === undefined ? '' : JSON.stringify(body);
  const text = ' '.repeat(fault?.padding ?? 0) + (fault?.body ?? (fault?.html ? html : json));
  const bytes = Buffer.from(text);
  const half = bytes.subarray(0, Math.floor(bytes.length / 2));
  const type = fault?.contentType ?? (fault?.html ? 'text/html' : 'application/json');
  response.writeHead(status, {
    ...(text === '' ? {} : { 'content-type': type }),
    ...(fault?.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }),
    ...(fault?.location === undefined ? {} : { location: fault.location }),
    ...headers,
    'content-length': fault?.truncate === 'json' ? half.length : bytes.length,
  });
  if (fault?.trickleMs !== undefined) await trickle(response, bytes, fault.trickleMs);
  else if (fault?.truncate === 'connection') response.write(half, () => response.destroy());
  else response.end(fault?.truncate === 'json' ? half : bytes);
}

async function trickle(response: ServerResponse, bytes: Buffer, everyMs: number): Promise<void> {
  for (let at = 0; at < bytes.length && !response.destroyed; at += 1) {
    response.write(bytes.subarray(at, at + 1));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  response.end();
}
