import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventTypes, headerBytes, magic } from './log-events.ts';
import { type LogContents, LogScan } from './log-scan.ts';

interface Made {
  type: number;
  body: Buffer;
  time?: number;
  server?: number;
  flags?: number;
}

/** A binary log as the server writes it, with a CRC32 after each event unless told not to. */
function makeLog(events: Made[], checksums = true): Buffer {
  const description = Buffer.alloc(62);
  description.writeUInt8(checksums ? 1 : 0, 61);
  const pieces = [magic];
  let end = magic.length;
  for (const { type, body, time = 1000, server = 1, flags = 0 } of [
    { type: eventTypes.formatDescription, body: description, flags: 1 },
    ...events,
  ]) {
    const isDescription = type === eventTypes.formatDescription;
    const tail = checksums || isDescription ? 4 : 0;
    const event = Buffer.alloc(headerBytes + body.length + tail);
    end += event.length;
    event.writeUInt32LE(time, 0);
    event.writeUInt8(type, 4);
    event.writeUInt32LE(server, 5);
    event.writeUInt32LE(event.length, 9);
    event.writeUInt32LE(end, 13);
    event.writeUInt16LE(isDescription ? 0 : flags, 17);
    body.copy(event, headerBytes);
    if (tail > 0) event.writeUInt32LE(crc32(event.subarray(0, -4)), event.length - 4);
    // The mark of a file in use is set without a new checksum.
    event.writeUInt16LE(flags, 17);
    pieces.push(event);
  }
  return Buffer.concat(pieces);
}

function gtid(sequence: number, { domain = 0, server = 1, standalone = false, time = 1001 } = {}): Made {
  const body = Buffer.alloc(19);
  body.writeBigUInt64LE(BigInt(sequence), 0);
  body.writeUInt32LE(domain, 8);
  body.writeUInt8(standalone ? 1 : 0, 12);
  return { type: eventTypes.gtid, body, server, time };
}
function query(text: string, time = 1001): Made {
  const post = Buffer.alloc(13);
  post.writeUInt8(1, 8);
  post.writeUInt16LE(3, 11);
  return {
    type: eventTypes.query,
    body: Buffer.concat([post, Buffer.alloc(3), Buffer.from('d\0'), Buffer.from(text)]),
    time,
  };
}
const xid = (time = 1001): Made => ({ type: eventTypes.xid, body: Buffer.alloc(8), time });
const rows = (bytes: number, time = 1001): Made => ({ type: 23, body: Buffer.alloc(bytes, 7), time });
const rotate = (time = 2000): Made => ({ type: eventTypes.rotate, body: Buffer.from('12345678binlog.000002'), time });
function gtidList(...gtids: [number, number, number][]): Made {
  const body = Buffer.alloc(4 + gtids.length * 16);
  body.writeUInt32LE(gtids.length, 0);
  for (const [index, [domain, server, sequence]] of gtids.entries()) {
    body.writeUInt32LE(domain, 4 + index * 16);
    body.writeUInt32LE(server, 8 + index * 16);
    body.writeBigUInt64LE(BigInt(sequence), 12 + index * 16);
  }
  return { type: eventTypes.gtidList, body };
}

async function scan(log: Buffer, sizes: number[] = [1 << 20]): Promise<LogContents> {
  const pieces: Buffer[] = [];
  for (let at = 0, index = 0; at < log.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    pieces.push(log.subarray(at, at + size));
    at += size;
  }
  const reader = new LogScan('binlog.000001');
  const passed: Buffer[] = [];
  await pipeline(Readable.from(pieces), reader, async (out: AsyncIterable<Buffer>) => {
    for await (const chunk of out) passed.push(chunk);
  });
  expect(Buffer.concat(passed).equals(log)).toBe(true);
  return reader.contents();
}

const sample = [
  gtidList([0, 1, 4], [2, 9, 1]),
  gtid(5, { time: 1010 }),
  rows(300, 1005),
  xid(1011),
  gtid(2, { domain: 2, server: 9, standalone: true, time: 1012 }),
  query('CREATE TABLE t (a INT)', 1012),
  gtid(6, { server: 3, time: 1013 }),
  query('INSERT INTO m VALUES (1)', 1013),
  query('COMMIT', 1020),
];

describe('scanning a binary log', () => {
  it('finds the same, however the bytes are cut', async () => {
    const log = makeLog([...sample, rotate()]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }), async (sizes) => {
        expect(await scan(log, sizes)).toEqual({
          bytes: log.length,
          end: log.length,
          gtidsBefore: '0-1-4,2-9-1',
          gtidsAfter: '0-1-5,0-3-6,2-9-2',
          transactions: 3,
          openedAt: 1000,
          closedAt: 2000,
          firstEventAt: 1011,
          lastEventAt: 1020,
        });
      }),
      { numRuns: 100, examples: [[[1]], [[log.length]]] },
    );
  });

  it('finds any flipped bit', async () => {
    const log = makeLog([...sample, rotate()]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: log.length - 1 }), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
        // The lowest bit of the description's flags is the mark of a file in use, which no checksum covers.
        fc.pre(!(at === magic.length + 17 && bit === 0));
        const bad = Buffer.from(log);
        bad[at] = (bad[at] ?? 0) ^ (1 << bit);
        await expect(scan(bad)).rejects.toMatchObject({
          code: 'backup_failed',
          message: expect.stringContaining('damaged'),
        });
      }),
      { numRuns: 300 },
    );
  });

  it('finds a log that is cut within an event, and none that is cut between two', async () => {
    const whole = makeLog([...sample, rotate()]);
    const shorter = makeLog(sample);
    expect(await scan(shorter)).toMatchObject({ closedAt: undefined, transactions: 3 });
    for (const length of [0, 3, 4, shorter.length - 1, shorter.length + 1, shorter.length + 19]) {
      await expect(scan(whole.subarray(0, length)), String(length)).rejects.toMatchObject({ code: 'backup_failed' });
    }
  });

  it('reads logs without checksums', async () => {
    expect(await scan(makeLog([...sample, rotate()], false))).toMatchObject({
      transactions: 3,
      gtidsAfter: '0-1-5,0-3-6,2-9-2',
    });
  });

  it.each<[string, Made[], boolean]>([
    ['an Xid', [rows(10), xid()], true],
    ['COMMIT', [query('INSERT'), query('COMMIT')], true],
    ['ROLLBACK', [query('INSERT'), query('ROLLBACK')], true],
    ['ROLLBACK TO a savepoint', [query('INSERT'), query('ROLLBACK TO `s`')], false],
    ['rows only', [rows(10)], false],
    ['nothing', [], false],
  ])('of a server that died: a group that ends with %s counts or not', async (_, events, counts) => {
    const contents = await scan(makeLog([gtidList([0, 1, 1]), gtid(2), ...events]));
    expect([contents.transactions, contents.gtidsAfter]).toEqual(counts ? [1, '0-1-2'] : [0, '0-1-1']);
  });

  it('keeps times between opening and closing, whatever a session said', async () => {
    const at = async (...times: number[]) => {
      const events = times.flatMap((time, index) => [gtid(index + 1, { time }), xid(time)]);
      const { firstEventAt, lastEventAt } = await scan(makeLog([...events, rotate(2000)]));
      return [firstEventAt, lastEventAt];
    };
    expect(await at(1500, 1400)).toEqual([1500, 1500]);
    expect(await at(1)).toEqual([1000, 1000]);
    expect(await at(1500, 4_000_000_000)).toEqual([1500, 2000]);
    expect(await at()).toEqual([undefined, undefined]);
  });
});
