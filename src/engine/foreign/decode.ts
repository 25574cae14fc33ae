import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { SkybackupError } from '../../contract/errors.ts';
import { findTool } from '../mariadb/tools.ts';
import { ageDecrypted } from './age.ts';
import { peek } from './head.ts';
import { damaged, type LayerContext } from './layer.ts';
import { opensslDecrypted } from './openssl.ts';
import { type ContentName, headBytes, type LayerName, recognise } from './recognise.ts';
import { throughCommand } from './through-command.ts';

/** Bytes with every layer taken off as they come. */
export interface Decoded {
  /** The outermost first. */
  layers: readonly LayerName[];
  contents: ContentName;
  /** Of the contents. */
  head: Buffer;
  body: AsyncIterable<Buffer>;
}

/** More than anybody wraps a backup in: a bomb may be of many. */
const mostLayers = 4;

const takeOff: Record<
  LayerName,
  (head: Buffer, whole: AsyncIterable<Buffer>, context: LayerContext) => AsyncIterable<Buffer>
> = {
  gzip: (_head, whole, context) => gunzipped(whole, context),
  zstd: (_head, whole, context) =>
    throughCommand({ path: findTool('zstd'), args: ['-d', '-q', '-c'] }, whole, context, (words) =>
      damaged(context.url, `zstd says: ${words}`),
    ),
  openssl: opensslDecrypted,
  age: ageDecrypted,
};

/**
 * Looks at the first bytes, takes off what wraps them, and looks again, until there are contents. Throws `unsupported` for
 * what is not read, `invalid_request` for a key that is missing or wrong, `backup_damaged`.
 */
export async function decode(input: AsyncIterable<Buffer>, context: LayerContext): Promise<Decoded> {
  const layers: LayerName[] = [];
  let stream = input;
  for (;;) {
    const { head, whole } = await peek(stream, headBytes);
    const found = recognise(head);
    if (found?.kind === 'contents') return { layers, contents: found.name, head, body: whole };
    if (found?.kind !== 'layer' || layers.length === mostLayers)
      throw unreadable(context.url, layers, head, found?.kind === 'other' ? found.words : undefined);
    layers.push(found.name);
    stream = takeOff[found.name](head, whole, context);
  }
}

async function* gunzipped(input: AsyncIterable<Buffer>, { url }: LayerContext): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  // Its error is that of the stream that is read here.
  pipeline(input, gunzip).catch(() => {});
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw code.startsWith('Z_') ? damaged(url, `gzip says: ${(error as Error).message}`, error) : error;
  }
}

function unreadable(url: string, layers: readonly LayerName[], head: Buffer, words?: string): SkybackupError {
  const where = layers.length === 0 ? url : `${url}, inside of ${layers.join(' and ')},`;
  const what =
    head.length === 0 ? 'is empty' : words !== undefined ? `is ${words}` : 'begins like nothing that can be restored';
  return new SkybackupError('unsupported', `${where} ${what}.`, {
    hint: 'It may be an mbstream, a tar of a backup directory, or SQL; plain or by gzip or zstd, encrypted by openssl or age.',
  });
}
