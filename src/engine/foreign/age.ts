import { createDecipheriv, scrypt } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Identity } from 'age-encryption';
import { SkybackupError } from '../../contract/errors.ts';
import { findTool } from '../mariadb/tools.ts';
import { damaged, type LayerContext, missingKey, wrongKey } from './layer.ts';
import { throughCommand } from './through-command.ts';

/** What was encrypted by age: to a passphrase, or to a recipient whose identity is the key. */
export function ageDecrypted(
  head: Buffer,
  whole: AsyncIterable<Buffer>,
  context: LayerContext,
): AsyncGenerator<Buffer> {
  const { key, url } = context;
  const toPassphrase = /^-> scrypt /m.test(head.subarray(0, 4096).toString('latin1'));
  if (key === undefined) throw missingKey(url, toPassphrase ? 'age -p' : 'age -r');
  const isIdentity = /^\s*(?:#.*\s+)*(?:AGE-SECRET-KEY-|-----BEGIN )/.test(key);
  if (!toPassphrase && !isIdentity) {
    throw new SkybackupError('invalid_request', `${url} is encrypted to a recipient of age, not to a passphrase.`, {
      hint: 'Give the identity as encryption_key: the line that begins with AGE-SECRET-KEY-.',
    });
  }
  return toPassphrase ? byPassphrase(key, whole, context) : byIdentity(key, whole, context);
}

/** The tool reads an identity from a file only; it goes as soon as the first bytes are there. */
async function* byIdentity(key: string, whole: AsyncIterable<Buffer>, context: LayerContext): AsyncGenerator<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'skybackup-age-'));
  try {
    const file = join(folder, 'identity');
    await writeFile(file, `${key.trim()}\n`, { mode: 0o600 });
    const decrypted = throughCommand({ path: findTool('age'), args: ['-d', '-i', file] }, whole, context, (words) =>
      /no identity matched|malformed secret key|parsing|failed to read/i.test(words)
        ? wrongKey(context.url, 'age')
        : damaged(context.url, `age says: ${words}`),
    );
    let first = true;
    for await (const chunk of decrypted) {
      if (first) await rm(folder, { recursive: true, force: true });
      first = false;
      yield chunk;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The tool asks for passphrases at a terminal alone. Slower than it, and only here. */
async function* byPassphrase(
  passphrase: string,
  whole: AsyncIterable<Buffer>,
  { url }: LayerContext,
): AsyncGenerator<Buffer> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(scryptIdentity(passphrase));
  let plain: ReadableStream<Uint8Array>;
  try {
    plain = await decrypter.decrypt(ReadableStream.from<Uint8Array>(whole));
  } catch (error) {
    if (error instanceof SkybackupError) throw error;
    throw wrongKey(url, 'age -p', error);
  }
  try {
    for await (const chunk of plain) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  } catch (error) {
    if (error instanceof SkybackupError) throw error;
    throw damaged(url, 'its encryption does not end as it should', error);
  }
}

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);
const label = 'age-encryption.org/v1/scrypt';
/** age's own limit: more would take a machine's memory. */
const mostWork = 22;

/** age's passphrase, derived off the main thread: that takes a second, during which the daemon answers others. */
function scryptIdentity(passphrase: string): Identity {
  return {
    async unwrapFileKey(stanzas) {
      const [, salt = '', work = ''] = stanzas.find(({ args }) => args[0] === 'scrypt')?.args ?? [];
      const body = Buffer.from(stanzas.find(({ args }) => args[0] === 'scrypt')?.body ?? []);
      if (!/^[1-9]\d?$/.test(work) || Number(work) > mostWork || body.length !== 32) return null;
      const [N, r] = [2 ** Number(work), 8];
      const salted = Buffer.concat([Buffer.from(label), Buffer.from(salt, 'base64')]);
      const key = await derive(passphrase, salted, 32, { N, r, p: 1, maxmem: 129 * N * r });
      const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
      decipher.setAuthTag(body.subarray(16));
      try {
        return Buffer.concat([decipher.update(body.subarray(0, 16)), decipher.final()]);
      } catch {
        return null;
      }
    },
  };
}
