import type { IncomingMessage, ServerResponse } from 'node:http';
import { refusals, resourceOf, send } from './gcs-answers.ts';
import type { gcsObjects, Session } from './gcs-objects.ts';

/** What the bucket was told to do wrongly with what comes. */
export interface UploadFaults {
  /** How many bytes of a piece of so many are kept. */
  keep: (bytes: number) => number;
  /** The first byte of each piece arrives as another. */
  damage: boolean;
  /** Whether a checksum that comes with the last bytes is looked at. */
  checksHashes: boolean;
  /** Whether an upload may neither begin nor end where there is an object. */
  fenced: boolean;
}

interface Bucket {
  name: string;
  stored: ReturnType<typeof gcsObjects>;
  faults: UploadFaults;
  /** Body bytes of each piece, as they came. */
  arrivals: number[];
}

/** One request to a session: a piece, a question how far it has come, or the wish to give it up. */
export async function answerSession(
  bucket: Bucket,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const session = bucket.stored.sessions.get(id);
  if (session === undefined) throw refusals.noSession();
  if (request.method === 'DELETE') {
    session.discard();
    response.writeHead(499, { 'content-length': 0 }).end();
    return;
  }
  const { range, total } = contentRange(String(request.headers['content-range']));
  if (session.object === undefined && range !== undefined) await takePiece(bucket, session, request, { range, total });
  else request.resume();
  session.follow();
  if (session.object === undefined && session.received === total) finish(bucket, session, request, id);
  if (session.object !== undefined) return send(response, 200, resourceOf(bucket.name, session.object));
  const safe = session.received === 0 ? {} : { range: `bytes=0-${session.received - 1}` };
  response.writeHead(308, { 'content-length': 0, ...safe }).end();
}

interface ContentRange {
  range: { first: number; last: number } | undefined;
  total: number | undefined;
}

function contentRange(header: string): ContentRange {
  const [, first, last, total] = /^bytes (?:\*|(\d+)-(\d+))\/(\*|\d+)$/.exec(header) ?? [];
  if (total === undefined) throw refusals.invalid(`Failed to parse Content-Range header: ${header}`);
  return {
    range: first === undefined ? undefined : { first: Number(first), last: Number(last) },
    total: total === '*' ? undefined : Number(total),
  };
}

async function takePiece(
  { faults, arrivals }: Bucket,
  session: Session,
  request: IncomingMessage,
  { range, total }: { range: { first: number; last: number }; total: number | undefined },
): Promise<void> {
  const announced = Number(request.headers['content-length']);
  if (announced !== range.last - range.first + 1) throw refusals.invalid('Content-Range and Content-Length differ.');
  if (total === undefined && announced % (256 * 1024) !== 0)
    throw refusals.invalid('All but the last piece must be multiples of 256 KiB.');
  if (range.first !== session.received) throw refusals.invalid(`The next byte is ${session.received}.`);
  const place = arrivals.push(0) - 1;
  const most = faults.keep(announced);
  const writer = session.follow();
  let came = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    arrivals[place] = (arrivals[place] ?? 0) + chunk.length;
    if (faults.damage && came === 0) chunk[0] = (chunk[0] ?? 0) ^ 1;
    if (came < most) writer.take(chunk.subarray(0, most - came));
    came += chunk.length;
  }
  if (most >= announced) writer.keepAll();
}

function finish({ stored, faults }: Bucket, session: Session, request: IncomingMessage, id: string): void {
  const [, given] = /crc32c=([^,]+)/.exec(String(request.headers['x-goog-hash'])) ?? [];
  const found = session.crc32c();
  if (faults.checksHashes && given !== undefined && given !== found) {
    session.discard();
    throw refusals.checksum(given, found);
  }
  // Another may have come since it began.
  if (faults.fenced && stored.objects.has(session.name)) {
    stored.sessions.get(id)?.discard();
    throw refusals.precondition();
  }
  session.finish();
}
