/** What wraps other bytes, and what data are made of. */
export const layerNames = ['gzip', 'zstd', 'openssl', 'age'] as const;
export type LayerName = (typeof layerNames)[number];
export const contentNames = ['tar', 'xbstream', 'sql'] as const;
export type ContentName = (typeof contentNames)[number];

export type Recognised =
  | { kind: 'layer'; name: LayerName }
  | { kind: 'contents'; name: ContentName }
  /** Known by name, and not read here. */
  | { kind: 'other'; words: string };

interface Mark {
  at: number;
  bytes: Buffer;
  is: Recognised;
}

const mark = (is: Recognised, text: string | number[], at = 0): Mark => ({
  at,
  bytes: typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text),
  is,
});
const layer = (name: LayerName): Recognised => ({ kind: 'layer', name });
const contents = (name: ContentName): Recognised => ({ kind: 'contents', name });
const other = (words: string): Recognised => ({ kind: 'other', words });

const marks: readonly Mark[] = [
  mark(layer('gzip'), [0x1f, 0x8b, 8]),
  mark(layer('zstd'), [0x28, 0xb5, 0x2f, 0xfd]),
  mark(layer('openssl'), 'Salted__'),
  mark(layer('age'), 'age-encryption.org/'),
  mark(contents('xbstream'), 'XBSTCK01'),
  mark(contents('tar'), 'ustar', 257),
  mark(other('an age file in armor (age -a)'), '-----BEGIN AGE'),
  mark(other('bzip2'), 'BZh'),
  mark(other('xz'), [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
  mark(other('lz4'), [0x04, 0x22, 0x4d, 0x18]),
  mark(other('a zip archive'), 'PK\u0003\u0004'),
  mark(other('a qpress archive'), 'qpress10'),
  mark(other('an xbcrypt file'), 'XBCRYP'),
];

/** Enough to tell every kind by: the mark of a tar lies deepest, and the facts of a dump stand in its first lines. */
export const headBytes = 64 * 1024;

/** Tells by its first bytes what something is, whatever its name says; undefined for what nothing is known of. */
export function recognise(head: Buffer): Recognised | undefined {
  const found = marks.find(({ at, bytes }) => head.subarray(at, at + bytes.length).equals(bytes));
  if (found !== undefined) return found.is;
  // Compressors that write in parallel begin with a frame that is to be skipped.
  if (head.length >= 4 && (head.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50) return layer('zstd');
  return looksLikeSql(head) ? contents('sql') : undefined;
}

const firstWords = /^(?:--|#|\/\*|(?:alter|begin|create|delimiter|drop|insert|lock|replace|set|start|truncate|use)\b)/i;

/** A comment or a statement, in text: of binary data one byte in eight is none of text. */
function looksLikeSql(head: Buffer): boolean {
  const text = head.subarray(0, 512).toString('latin1').replace(/^ï»¿/, '');
  const isControl = (code: number): boolean => code < 32 && code !== 9 && code !== 10 && code !== 13;
  return firstWords.test(text.trimStart()) && ![...text].some((letter) => isControl(letter.charCodeAt(0)));
}
