import { createDecipheriv, createHash, pbkdf2Sync } from 'node:crypto';
import { damaged, type LayerContext, missingKey, wrongKey } from './layer.ts';
import { recognise } from './recognise.ts';

const saltAt = 8;
const headerBytes = 16;
const keyBytes = 32;
const ivBytes = 16;
const algorithm = 'aes-256-cbc';

/** How `openssl enc -aes-256-cbc` makes its key of a passphrase; a file does not say by which. */
const derivations: readonly ((passphrase: string, salt: Buffer) => Buffer)[] = [
  (passphrase, salt) => bytesToKey('sha256', passphrase, salt),
  (passphrase, salt) => pbkdf2Sync(passphrase, salt, 10_000, keyBytes + ivBytes, 'sha256'),
  // Before OpenSSL 1.1.
  (passphrase, salt) => bytesToKey('md5', passphrase, salt),
];

/**
 * What was encrypted by `openssl enc -aes-256-cbc`, with or without -pbkdf2: the key is the right one where what comes out
 * is recognised. Throws `invalid_request` for a wrong key, `backup_damaged` at a wrong end.
 */
export async function* opensslDecrypted(
  head: Buffer,
  whole: AsyncIterable<Buffer>,
  context: LayerContext,
): AsyncGenerator<Buffer> {
  const { key, url } = context;
  if (key === undefined) throw missingKey(url, 'openssl enc');
  const salt = head.subarray(saltAt, headerBytes);
  const sample = head.subarray(headerBytes, head.length - (head.length % ivBytes));
  const secret = derivations
    .map((derive) => derive(key, salt))
    .find((candidate) => recognise(decipherOf(candidate).setAutoPadding(false).update(sample)) !== undefined);
  if (secret === undefined) throw wrongKey(url, 'openssl enc -aes-256-cbc, with -pbkdf2 or without');
  const decipher = decipherOf(secret);
  let skip = headerBytes;
  for await (const chunk of whole) {
    const bytes = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - bytes.length;
    const plain = decipher.update(bytes);
    if (plain.length > 0) yield plain;
  }
  let last: Buffer;
  try {
    last = decipher.final();
  } catch (error) {
    throw damaged(url, 'its encryption does not end as it should', error);
  }
  if (last.length > 0) yield last;
}

function decipherOf(secret: Buffer) {
  return createDecipheriv(algorithm, secret.subarray(0, keyBytes), secret.subarray(keyBytes, keyBytes + ivBytes));
}

/** OpenSSL's EVP_BytesToKey with one round. */
function bytesToKey(hash: 'sha256' | 'md5', passphrase: string, salt: Buffer): Buffer {
  let [block, all] = [Buffer.alloc(0), Buffer.alloc(0)];
  while (all.length < keyBytes + ivBytes) {
    block = createHash(hash).update(block).update(passphrase).update(salt).digest();
    all = Buffer.concat([all, block]);
  }
  return all;
}
