import { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import { refusalOf } from './refusal.ts';

export interface WireRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /** Answers that are no refusals, besides those of 200 to 299. */
  accepts?: number[];
  signal?: AbortSignal | undefined;
}

export type WireAnswer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

/** Requests over HTTP, each of them one try. */
export interface Wire {
  /** The answer's body must be read to its end, or destroyed. */
  send(request: WireRequest): Promise<WireAnswer>;
  /** By how much the server's clock is ahead of this machine's, as far as answers told. */
  clockOffsetMs(): number;
}

const sliceBytes = 128 * 1024;

/** `stallMs`: a connection over which nothing moves for so long is given up. */
export function openWire({ connectMs, stallMs }: { connectMs: number; stallMs: number }): Wire {
  const dispatcher = new Agent({
    connect: { timeout: connectMs },
    headersTimeout: stallMs,
    bodyTimeout: stallMs,
  });
  let clockOffsetMs = 0;

  async function send(asked: WireRequest): Promise<WireAnswer> {
    const { method, url, headers = {}, body, accepts = [], signal } = asked;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const answer = await request(url, {
      method,
      headers: { ...headers, ...(bytes === undefined ? {} : { 'content-length': `${bytes.length}` }) },
      body: bytes === undefined || bytes.length === 0 ? null : Readable.from(slices(bytes), { objectMode: false }),
      dispatcher,
      ...(signal === undefined ? {} : { signal }),
    });
    const told = Date.parse(String(answer.headers.date));
    if (!Number.isNaN(told)) clockOffsetMs = told - Date.now();
    const { statusCode } = answer;
    if ((statusCode >= 200 && statusCode < 300) || accepts.includes(statusCode)) return answer;
    throw refusalOf(statusCode, await answer.body.text());
  }

  return { send, clockOffsetMs: () => clockOffsetMs };
}

/** Sent in one piece, bytes that move slowly would look like bytes that do not move. */
function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}
