/** The Castagnoli polynomial, bit-reversed. */
const polynomial = 0x82f63b78;

/** Eight tables: one step takes eight bytes (slicing-by-8). */
const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];
for (let byte = 0; byte < 256; byte += 1) {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
  t0[byte] = value;
}
for (let byte = 0; byte < 256; byte += 1) {
  let value = at(t0, byte);
  for (const table of tables.slice(1)) {
    value = at(t0, value) ^ (value >>> 8);
    table[byte] = value;
  }
}

/** CRC32C of bytes, or, given that of what came before them, of both together. GCS keeps it with every object. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const eights = bytes.length - (bytes.length % 8);
  let crc = ~before;
  let place = 0;
  for (; place < eights; place += 8) {
    const low = crc ^ view.getUint32(place, true);
    const high = view.getUint32(place + 4, true);
    crc =
      at(t7, low) ^
      at(t6, low >>> 8) ^
      at(t5, low >>> 16) ^
      at(t4, low >>> 24) ^
      at(t3, high) ^
      at(t2, high >>> 8) ^
      at(t1, high >>> 16) ^
      at(t0, high >>> 24);
  }
  for (; place < bytes.length; place += 1) crc = at(t0, crc ^ (bytes[place] ?? 0)) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** As the API writes it: base64 of its four bytes, the highest first. */
export function crcText(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

function at(table: Uint32Array, index: number): number {
  return table[index & 0xff] ?? 0;
}
