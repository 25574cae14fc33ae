import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { GcsCredentials } from '../../src/contract/credentials.ts';
import { type GcsOptions, gcsStore } from '../../src/engine/storage/gcs/gcs-store.ts';
import type { ObjectStore } from '../../src/engine/storage/object-store.ts';
import { Refused, refusals, refuse, resourceOf, send } from './gcs-answers.ts';
import { gcsObjects, type StoredObject } from './gcs-objects.ts';
import { type GcsTokens, gcsTokens } from './gcs-tokens.ts';
import { answerSession, type UploadFaults } from './gcs-uploads.ts';

export interface TestGcs {
  readonly port: number;
  readonly bucket: string;
  /** The right ones. */
  readonly credentials: { key: GcsCredentials['key'] };
  readonly tokens: GcsTokens;
  readonly faults: UploadFaults & {
    /** Rights that the account lacks, as `storage.objects.create`. */
    denied: Set<string>;
    /** Why an object may not be deleted: `retentionPolicyNotMet` or `objectUnderActiveHold`. */
    retained: string | undefined;
  };
  /** By how much the server's clock is ahead of this machine's. */
  clockOffsetMs: number;
  /** Body bytes of each piece of an upload, as they came. */
  readonly arrivals: number[];
  /** A store in the bucket, under a prefix of its own unless one is given. `port`: of a proxy in between. */
  store(options?: GcsOptions & { prefix?: string; port?: number }): ObjectStore;
  /** Names of the unfinished uploads, under a prefix. */
  uploads(prefix?: string): string[];
  /** An object of one byte, as others may leave it. */
  leave(name: string): void;
  /** The server loses what it knows of uploads. */
  forgetUploads(): void;
  /** Cuts all connections, as in a crash; objects and uploads stay. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port. */
  up(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** A server that speaks the JSON API of GCS on 127.0.0.1, as far as it is publicly described and needed here, with one bucket. */
export async function startGcs(): Promise<TestGcs> {
  const folder = await mkdtemp(join(tmpdir(), 'skb-gcs-'));
  const bucket = `backups-${randomUUID()}`;
  const stored = gcsObjects(folder);
  const now = (): number => Date.now() + gcs.clockOffsetMs;
  const tokens = gcsTokens(now);
  const arrivals: number[] = [];
  const objectsPath = `/storage/v1/b/${bucket}/o`;
  let server: Server | undefined;
  let port = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '', `http://${request.headers.host}`);
    const method = request.method ?? '';
    if (pathname === '/token') {
      const { status, body } = tokens.exchange(await text(request), `http://127.0.0.1:${port}/token`);
      return send(response, status, body);
    }
    if (pathname === '/workload/token' || pathname.startsWith('/computeMetadata/v1/')) {
      return answerMachine(pathname, request, response);
    }
    if (!tokens.isValid(request.headers.authorization)) throw refusals.unauthenticated();
    const session = query.get('upload_id');
    if (session !== null) return answerSession({ name: bucket, stored, faults, arrivals }, session, request, response);
    const [, path = ''] = /^(?:\/upload)?(\/storage\/v1\/b\/[^/]+\/o.*)$/.exec(pathname) ?? [];
    if (path !== objectsPath && !path.startsWith(`${objectsPath}/`)) throw refusals.noBucket();
    const name = decodeURIComponent(path.slice(objectsPath.length + 1));
    if (method === 'POST') return begin(query, request, response);
    if (method === 'GET' && name === '') return list(query, response);
    return answerObject({ name, method, query }, request, response);
  }

  /** What machines have of their own: the virtual machine's server of metadata, and the exchange of a workload's identity. */
  async function answerMachine(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path === '/workload/token') {
      const subject = new URLSearchParams(await text(request)).get('subject_token');
      if (subject !== 'identity-of-a-workload') return send(response, 400, { error: 'invalid_grant' });
      const { body } = tokens.give();
      const issued_token_type = 'urn:ietf:params:oauth:token-type:access_token';
      return send(response, 200, { ...body, issued_token_type });
    }
    response.setHeader('metadata-flavor', 'Google');
    if (path.endsWith('/token')) return send(response, 200, tokens.give().body);
    response.writeHead(200).end('project-of-the-tests');
  }

  async function begin(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    demand('storage.objects.create');
    const name = query.get('name') ?? '';
    if (query.get('uploadType') !== 'resumable') throw refusals.invalid('Only resumable uploads are spoken here.');
    const { metadata = {} } = JSON.parse(await text(request)) as { metadata?: Record<string, string> };
    if (query.get('ifGenerationMatch') !== '0') throw refusals.invalid('Nothing here overwrites.');
    if (faults.fenced && stored.objects.has(name)) throw refusals.precondition();
    const id = stored.begin(name, metadata);
    const location = `http://${request.headers.host}/upload${objectsPath}?uploadType=resumable&name=${encodeURIComponent(name)}&upload_id=${id}`;
    response.writeHead(200, { location, 'content-length': 0 }).end();
  }

  function list(query: URLSearchParams, response: ServerResponse): void {
    demand('storage.objects.list');
    const prefix = query.get('prefix') ?? '';
    const delimiter = query.get('delimiter');
    const after = Buffer.from(query.get('pageToken') ?? '', 'base64').toString();
    const entries = new Map<string, StoredObject | undefined>();
    const inOrder = [...stored.objects].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const [name, object] of inOrder) {
      if (!name.startsWith(prefix)) continue;
      const end = delimiter === null ? -1 : name.indexOf(delimiter, prefix.length);
      if (end < 0) entries.set(name, object);
      else entries.set(name.slice(0, end + 1), undefined);
    }
    const rest = [...entries].filter(
      ([name]) => after === '' || Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0,
    );
    const page = rest.slice(0, Number(query.get('maxResults') ?? 1000));
    const items = page.flatMap(([, object]) => (object === undefined ? [] : [resourceOf(bucket, object)]));
    const prefixes = page.flatMap(([name, object]) => (object === undefined ? [name] : []));
    const last = page.at(-1)?.[0] ?? '';
    send(response, 200, {
      kind: 'storage#objects',
      ...(items.length > 0 && { items }),
      ...(prefixes.length > 0 && { prefixes }),
      ...(page.length < rest.length && { nextPageToken: Buffer.from(last).toString('base64') }),
    });
  }

  async function answerObject(
    { name, method, query }: { name: string; method: string; query: URLSearchParams },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    demand(`storage.objects.${method === 'DELETE' ? 'delete' : 'get'}`);
    const object = stored.objects.get(name);
    if (object === undefined) throw refusals.noObject(bucket, name);
    const generation = query.get('ifGenerationMatch');
    if (generation !== null && generation !== String(object.generation)) throw refusals.precondition();
    if (method === 'DELETE') {
      if (faults.retained !== undefined) throw refusals.retained(faults.retained);
      stored.remove(object);
      response.writeHead(204).end();
      return;
    }
    if (query.get('alt') !== 'media') return send(response, 200, resourceOf(bucket, object));
    const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const first = Number(start ?? 0);
    const last = Math.min(end ? Number(end) : object.size - 1, object.size - 1);
    if (start !== undefined && first >= object.size) throw refusals.range();
    response.writeHead(start === undefined ? 200 : 206, {
      'content-length': last - first + 1,
      'x-goog-generation': String(object.generation),
      'x-goog-hash': `crc32c=${object.crc32c}`,
      ...(start === undefined ? {} : { 'content-range': `bytes ${first}-${last}/${object.size}` }),
    });
    if (object.size === 0) response.end();
    else await pipeline(createReadStream(object.path, { start: first, end: last }), response);
  }

  function demand(permission: string): void {
    if (faults.denied.has(permission)) throw refusals.denied(permission);
  }

  const up = async (): Promise<void> => {
    const started = createServer((request, response) => {
      response.setHeader('date', new Date(now()).toUTCString());
      answer(request, response).catch((error: unknown) => {
        // A connection that was cut has nobody to answer.
        if (response.destroyed || response.headersSent) return void response.destroy();
        const refused = error instanceof Refused ? error : new Refused(500, 'internalError', String(error));
        request.resume();
        refuse(response, refused);
      });
    });
    await new Promise<void>((resolve) => started.listen(port, '127.0.0.1', resolve));
    port = (started.address() as AddressInfo).port;
    server = started;
  };
  const kill = async (): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending === undefined) return;
    const closed = once(ending, 'close');
    ending.close();
    ending.closeAllConnections();
    await closed;
  };

  const faults: TestGcs['faults'] = {
    keep: (bytes) => bytes,
    damage: false,
    checksHashes: true,
    denied: new Set(),
    retained: undefined,
    fenced: true,
  };
  const gcs: TestGcs = {
    get port() {
      return port;
    },
    bucket,
    get credentials() {
      return { key: tokens.key(`http://127.0.0.1:${port}/token`) };
    },
    tokens,
    faults,
    clockOffsetMs: 0,
    arrivals,
    store: ({ prefix = randomUUID(), port: through = port, ...options } = {}) =>
      gcsStore(`gs://${bucket}/${prefix}`, {
        credentials: gcs.credentials,
        endpoint: `http://127.0.0.1:${through}`,
        patience: { tries: 8, firstWaitMs: 20, longestWaitMs: 1000 },
        ...options,
      }),
    uploads: (prefix = '') => stored.unfinished().filter((name) => name.startsWith(prefix)),
    leave(name) {
      const session = stored.sessions.get(stored.begin(name, {}));
      const writer = session?.follow();
      writer?.take(Buffer.from('x'));
      writer?.keepAll();
      session?.finish();
    },
    forgetUploads: () => {
      for (const session of stored.sessions.values()) session.discard();
    },
    kill,
    up,
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await up();
  return gcs;
}
