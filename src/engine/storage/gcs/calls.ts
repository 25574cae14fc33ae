import { z } from 'zod';
import type { Sending } from '../resumed-read.ts';
import { crcText } from './crc32c.ts';
import { machineTokens } from './machine-tokens.ts';
import { Refusal } from './refusal.ts';
import { type ServiceAccount, serviceAccountTokens } from './service-account.ts';
import { openWire, type WireAnswer, type WireRequest } from './wire.ts';

export interface GcsAccess {
  bucket: string;
  /** Without it: what the machine has of its own. */
  account: ServiceAccount | undefined;
  /** Of the API: `https://storage.googleapis.com`. */
  endpoint: string;
  connectMs: number;
  stallMs: number;
}

/** How far an upload has come: so many bytes are safe, or it is an object. */
export interface Received {
  bytes: number;
  object: GcsObject | undefined;
}

/** A range of an upload's bytes. */
export interface Piece {
  from: number;
  bytes: Buffer;
  /** Of the whole, once it is known: then these are the last bytes. */
  total: number | undefined;
  /** Of the whole; with the last bytes, so that what arrived otherwise is refused. */
  crc: number;
}

type Signal = AbortSignal | undefined;

/** By this an object is known as one that a put made: answers get lost, and others may write the same key. */
const mark = 'skybackup-put';

const ObjectAnswer = z.object({
  name: z.string(),
  size: z.coerce.number().default(0),
  updated: z.coerce.date().default(new Date(0)),
  generation: z.string().default(''),
  crc32c: z.string().optional(),
  metadata: z.looseObject({ [mark]: z.string().optional() }).optional(),
});
const objectFields = Object.keys(ObjectAnswer.shape).join();
export type GcsObject = ReturnType<typeof readObjectAnswer>;

const ListAnswer = z.object({
  items: z.array(ObjectAnswer).default([]),
  prefixes: z.array(z.string()).default([]),
  nextPageToken: z.string().optional(),
});

/**
 * The JSON API of GCS, as far as it is needed. Every call is one try: retries are our own, since they must also resume what
 * is half done. This is loaded by the first request: neither the daemon's start nor MCP needs it.
 */
export function gcsCalls({ bucket, account, endpoint, connectMs, stallMs }: GcsAccess) {
  const wire = openWire({ connectMs, stallMs });
  const tokens = account === undefined ? machineTokens(wire, stallMs) : serviceAccountTokens(account, wire);
  const objects = `/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  const urlOf = (path: string, query: Record<string, string | number | undefined> = {}): string => {
    const given = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, `${value}`);
    return `${endpoint}${path}?${given}`;
  };
  const pathOf = (name: string): string => `${objects}/${encodeURIComponent(name)}`;

  /** A token may end while it is in use, or be taken back: then the request is sent again with a new one. */
  async function send(request: WireRequest): Promise<WireAnswer> {
    for (let renewed = false; ; renewed = true) {
      const token = await tokens.token();
      try {
        return await wire.send({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } });
      } catch (error) {
        if (renewed || !(error instanceof Refusal) || error.status !== 401) throw error;
        tokens.forget(token);
      }
    }
  }

  /** The session's address is all that an upload needs, so it is kept from messages as if it were a key. */
  async function sendToSession(session: string, request: Omit<WireRequest, 'url'>): Promise<Received> {
    try {
      const answer = await send({ url: session, accepts: [308], ...request });
      if (answer.statusCode !== 308) {
        return { bytes: 0, object: readObjectAnswer(await answer.body.json()) };
      }
      await answer.body.dump();
      const [, last] = /^bytes=0-(\d+)$/.exec(String(answer.headers.range)) ?? [];
      return { bytes: last === undefined ? 0 : Number(last) + 1, object: undefined };
    } catch (error) {
      if (error instanceof Refusal && (error.status === 404 || error.status === 410)) {
        throw new Refusal(error.status, 'SessionLost');
      }
      throw error;
    }
  }

  return {
    /** Begins an upload; refused where there is an object of that name. Answers the session's address. */
    async startUpload({ name, id }: { name: string; id: string }, signal: Signal): Promise<string> {
      const answer = await send({
        method: 'POST',
        url: urlOf(`/upload${objects}`, { uploadType: 'resumable', name, ifGenerationMatch: 0 }),
        headers: { 'content-type': 'application/json', 'x-upload-content-type': 'application/octet-stream' },
        body: JSON.stringify({ metadata: { [mark]: id } }),
        signal,
      });
      await answer.body.dump();
      const { location } = answer.headers;
      if (typeof location !== 'string') throw new Refusal(answer.statusCode, 'NoSession');
      return location;
    },

    sendPiece(session: string, { from, bytes, total, crc }: Piece, signal: Signal): Promise<Received> {
      const range = bytes.length === 0 ? '*' : `${from}-${from + bytes.length - 1}`;
      return sendToSession(session, {
        method: 'PUT',
        headers: {
          'content-range': `bytes ${range}/${total ?? '*'}`,
          ...(total === undefined ? {} : { 'x-goog-hash': `crc32c=${crcText(crc)}` }),
        },
        body: bytes,
        signal,
      });
    },

    askReceived(session: string, total: number | undefined, signal: Signal): Promise<Received> {
      return sendToSession(session, {
        method: 'PUT',
        headers: { 'content-range': `bytes */${total ?? '*'}` },
        body: '',
        signal,
      });
    },

    /** Gives an upload up; it is no failure that the server knows nothing of it. */
    async cancelUpload(session: string, signal: Signal): Promise<void> {
      const accepts = [404, 410, 499];
      const answer = await send({ method: 'DELETE', url: session, accepts, signal });
      await answer.body.dump();
    },

    async stat(name: string, signal: Signal): Promise<GcsObject> {
      const answer = await send({ method: 'GET', url: urlOf(pathOf(name), { fields: objectFields }), signal });
      return readObjectAnswer(await answer.body.json());
    },

    /** `generation`: refused unless it is still that. Bytes come as they are stored, also those that were stored as gzip. */
    async get(
      { name, range, generation }: { name: string; range: string | undefined; generation: string | undefined },
      signal: Signal,
    ): Promise<Sending> {
      const { body, headers } = await send({
        method: 'GET',
        url: urlOf(pathOf(name), { alt: 'media', ifGenerationMatch: generation }),
        headers: { 'accept-encoding': 'gzip', ...(range === undefined ? {} : { range }) },
        signal,
      });
      const told = (header: string): string | undefined => headers[header]?.toString();
      return {
        body,
        bytes: Number(told('content-length') ?? 0),
        range: told('content-range'),
        version: told('x-goog-generation'),
      };
    },

    async list(
      query: { prefix: string; delimiter?: string; maxResults?: number | undefined; pageToken?: string | undefined },
      signal: Signal,
    ) {
      const fields = `nextPageToken,prefixes,items(${objectFields})`;
      const answer = await send({ method: 'GET', url: urlOf(objects, { ...query, fields }), signal });
      const { items, ...more } = ListAnswer.parse(await answer.body.json());
      return { ...more, items: items.map(readObjectAnswer) };
    },

    async remove({ name, generation }: { name: string; generation?: string }, signal: Signal): Promise<void> {
      const url = urlOf(pathOf(name), { ifGenerationMatch: generation });
      await (await send({ method: 'DELETE', url, signal })).body.dump();
    },

    clockOffsetMs: wire.clockOffsetMs,
  };
}
export type GcsCalls = ReturnType<typeof gcsCalls>;

function readObjectAnswer(answer: unknown) {
  const { name, size, updated, generation, crc32c, metadata } = ObjectAnswer.parse(answer);
  return { name, bytes: size, modified: updated, generation, crc32c, id: metadata?.[mark] };
}
