import { inflateSync } from 'node:zlib';
import { headerBytes } from './log-events.ts';

/** How long a value is in a row: so many bytes, or as many as its first bytes say. */
type ColumnLength = { bytes: number } | { prefix: number };

/** A table of a binary log, as the events after its map refer to it. */
export interface MappedTable {
  /** `schema.table`. */
  name: string;
  /** Undefined where a column is of a kind that is not known here. */
  columns: ColumnLength[] | undefined;
}

export type RowChange = 'inserted' | 'updated' | 'deleted';

/** Of a table map or a rows event: the number that ties them together. */
export function readTableId(event: Buffer): number {
  return event.readUIntLE(headerBytes, 6);
}

export function readTableMap(event: Buffer): MappedTable {
  const schemaAt = headerBytes + 8;
  const schemaLength = event.readUInt8(schemaAt);
  const tableAt = schemaAt + schemaLength + 2;
  const tableLength = event.readUInt8(tableAt);
  const schema = event.toString('utf8', schemaAt + 1, schemaAt + 1 + schemaLength);
  const name = `${schema}.${event.toString('utf8', tableAt + 1, tableAt + 1 + tableLength)}`;
  return { name, columns: readColumns(event.subarray(tableAt + tableLength + 2)) };
}

/** Their types, then what else their lengths depend on. */
function readColumns(bytes: Buffer): ColumnLength[] | undefined {
  const count = readPacked(bytes, 0);
  const types = bytes.subarray(count.end, count.end + count.value);
  const metadata = readPacked(bytes, count.end + count.value);
  const columns: ColumnLength[] = [];
  let at = metadata.end;
  for (const type of types) {
    const kind = kinds[type];
    if (kind === undefined) return undefined;
    const [bytesOfIt, lengthOf] = kind;
    columns.push(lengthOf(bytes[at] ?? 0, bytes[at + 1] ?? 0));
    at += bytesOfIt;
  }
  // Else one of the types was taken for another, and so would be all after it.
  return at === metadata.end + metadata.value ? columns : undefined;
}

/**
 * How many rows a rows event changes, and how. The values are passed over by their lengths and never looked at. Undefined
 * when the rows do not end exactly where the event does: rather none than a guess.
 */
export function countRows(type: number, event: Buffer, { columns }: MappedTable): [RowChange, number] | undefined {
  const kind = rowsEvents[type];
  if (kind === undefined || columns === undefined) return undefined;
  const { change, version, compressed } = kind;
  try {
    const extra = version === 2 ? event.readUInt16LE(headerBytes + 8) : 0;
    const width = readPacked(event, headerBytes + 8 + extra);
    if (width.value !== columns.length) return undefined;
    const bitmap = (width.value + 7) >> 3;
    const images = change === 'updated' ? 2 : 1;
    const present = Array.from({ length: images }, (_, image) =>
      columns.filter((_, index) => bit(event, width.end + image * bitmap, index)),
    );
    const body = event.subarray(width.end + images * bitmap);
    const count = countImages(compressed ? inflated(body) : body, present);
    return count === undefined ? undefined : [change, count / images];
  } catch {
    // It claims to be longer than it is, or is compressed in another way.
    return undefined;
  }
}

/** Row images one after another, of which each takes its turn of columns. */
function countImages(rows: Buffer, present: ColumnLength[][]): number | undefined {
  let [at, images] = [0, 0];
  while (at < rows.length) {
    const columns = present[images % present.length] ?? [];
    const nulls = at;
    at += (columns.length + 7) >> 3;
    for (const [index, column] of columns.entries()) {
      if (bit(rows, nulls, index)) continue;
      at += 'bytes' in column ? column.bytes : column.prefix + rows.readUIntLE(at, column.prefix);
    }
    images += 1;
    // A row without columns would go on for ever.
    if (at === nulls) return undefined;
  }
  return at === rows.length && images % present.length === 0 ? images : undefined;
}

function bit(bytes: Buffer, at: number, index: number): boolean {
  return ((bytes.readUInt8(at + (index >> 3)) >> (index & 7)) & 1) === 1;
}

const mostInflated = 64 * 1024 * 1024;

/** Begins with how many bytes its length takes, and that length. */
function inflated(bytes: Buffer): Buffer {
  return inflateSync(bytes.subarray(1 + (bytes.readUInt8(0) & 7)), { maxOutputLength: mostInflated });
}

/** A number of the protocol's packed form, and where it ends. */
function readPacked(bytes: Buffer, at: number): { value: number; end: number } {
  const first = bytes.readUInt8(at);
  if (first < 251) return { value: first, end: at + 1 };
  const length = first === 252 ? 2 : first === 253 ? 3 : 6;
  // Of eight bytes the highest two would be terabytes.
  return { value: bytes.readUIntLE(at + 1, length), end: at + 1 + (first === 254 ? 8 : length) };
}

const changes = ['inserted', 'updated', 'deleted'] as const;

/** Rows events by their type: of version 1 and 2, each as it is and compressed. */
const rowsEvents: Readonly<Record<number, { change: RowChange; version: 1 | 2; compressed: boolean }>> =
  Object.fromEntries(
    (
      [
        [23, 1, false],
        [30, 2, false],
        [166, 1, true],
        [169, 2, true],
      ] as const
    ).flatMap(([first, version, compressed]) =>
      changes.map((change, index) => [first + index, { change, version, compressed }]),
    ),
  );

/** The bytes that a column type has in the table map, and what they say of the length of its values. */
type ColumnKind = readonly [number, (first: number, second: number) => ColumnLength];

const fixed = (bytes: number, ofMap = 0): ColumnKind => [ofMap, () => ({ bytes })];
const fractional = (bytes: number): ColumnKind => [1, (digits) => ({ bytes: bytes + ((digits + 1) >> 1) })];
const prefixed: ColumnKind = [1, (prefix) => ({ prefix })];
const varchar: ColumnKind = [2, (low, high) => ({ prefix: high > 0 || low > 255 ? 2 : 1 })];

/** Bytes of a decimal's digits on one side of its point: nine of them take four. */
const decimalBytes = (digits: number): number => Math.floor(digits / 9) * 4 + Math.ceil((digits % 9) / 2);

/** CHAR, BINARY, ENUM and SET: of a long CHAR, two bits of the length stand in the type. */
function stringLength(first: number, second: number): ColumnLength {
  if (first === 247 || first === 248) return { bytes: second };
  const most = (first & 0x30) === 0x30 ? second : second | (((first & 0x30) ^ 0x30) << 4);
  return { prefix: most > 255 ? 2 : 1 };
}

/** By the numbers of MariaDB's column types. */
const kinds: Readonly<Record<number, ColumnKind>> = {
  1: fixed(1),
  2: fixed(2),
  3: fixed(4),
  4: fixed(4, 1),
  5: fixed(8, 1),
  6: fixed(0),
  7: fixed(4),
  8: fixed(8),
  9: fixed(3),
  10: fixed(3),
  11: fixed(3),
  12: fixed(8),
  13: fixed(1),
  14: fixed(3),
  15: varchar,
  16: [2, (bits, bytes) => ({ bytes: bytes + (bits > 0 ? 1 : 0) })],
  17: fractional(4),
  18: fractional(5),
  19: fractional(3),
  140: prefixed,
  141: varchar,
  246: [2, (precision, scale) => ({ bytes: decimalBytes(precision - scale) + decimalBytes(scale) })],
  249: prefixed,
  250: prefixed,
  251: prefixed,
  252: prefixed,
  254: [2, stringLength],
  255: prefixed,
};
