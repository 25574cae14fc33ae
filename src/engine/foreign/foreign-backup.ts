import { SkybackupError } from '../../contract/errors.ts';
import type { ExternalSource } from '../../contract/restores.ts';
import { seriesOf } from '../mariadb/version.ts';
import type { RestoreSource } from '../restore/source.ts';
import { isKey } from '../storage/object-key.ts';
import type { ObjectStat, ObjectStore } from '../storage/object-store.ts';
import { openStorage } from '../storage/open-storage.ts';
import { type Decoded, decode } from './decode.ts';
import { serverOfDump } from './dump-head.ts';
import type { ContentName, LayerName } from './recognise.ts';
import { sketchManifest } from './sketch-manifest.ts';

/** An object in a bucket that a person names, and how it is to be read. */
export interface NamedObject {
  store: ObjectStore;
  key: string;
  /** For people, and in the place of a backup's id. */
  url: string;
  method: ExternalSource['method'];
  encryptionKey: string | undefined;
}

export interface ForeignObject extends ObjectStat {
  readonly url: string;
}

/** A backup that was made without us: all that its object and its first bytes tell. */
export interface ForeignBackup {
  readonly object: ForeignObject;
  /** The outermost first. */
  readonly layers: readonly LayerName[];
  readonly contents: ContentName;
  /** Its key was given, and nothing of it is encrypted. */
  readonly keyIsIdle: boolean;
  /**
   * Its contents from the first byte. `onBytes` hears how many of the object's were read. Fails with `conflict` at the end
   * when the object was replaced meanwhile.
   */
  open(signal: AbortSignal, onBytes: (bytes: number) => void): Promise<Decoded>;
}

/** Which object a request means. Throws `invalid_request` for a path or credentials of no kind. */
export function nameObject(source: ExternalSource, id: string): NamedObject {
  const key = id.replace(/^\/+/, '');
  if (!isKey(key)) {
    throw new SkybackupError('invalid_request', `"${id.slice(0, 200)}" is not the path of an object in a bucket.`, {
      hint: 'Give it as id, as it is called in the bucket: /backup.tar.gz, or /2026/full.xb.zst.',
    });
  }
  const store = openStorage({ path: source.bucket, credentials: source.credentials });
  return { store, key, url: `${store.url}/${key}`, method: source.method, encryptionKey: source.encryption_key };
}

const looksAtMs = 60_000;

/**
 * Looks at the object and its first bytes; no more is read. Throws `not_found`, `invalid_request` for a method that does not
 * fit and for a key that is missing or wrong, `unsupported` for what cannot be read, and what the storage says.
 */
export async function lookAtForeign(named: NamedObject): Promise<RestoreSource & { foreign: ForeignBackup }> {
  const object = await statOf(named);
  const looking = new AbortController();
  const signal = AbortSignal.any([looking.signal, AbortSignal.timeout(looksAtMs)]);
  try {
    const decoded = await openDecoded(named, object, signal, () => {});
    checkMethod(named, decoded);
    const encrypted = decoded.layers.some((layer) => layer === 'openssl' || layer === 'age');
    return {
      backups: [sketchOf(object, decoded)],
      foreign: {
        object,
        layers: decoded.layers,
        contents: decoded.contents,
        keyIsIdle: named.encryptionKey !== undefined && !encrypted,
        open: (until, onBytes) => openDecoded(named, object, until, onBytes),
      },
    };
  } finally {
    looking.abort();
  }
}

function sketchOf(object: ForeignObject, { contents, head }: Decoded) {
  if (contents !== 'sql') return { ...sketchManifest(object, 'mariabackup'), lsn: { from: '0', to: '0', last: '0' } };
  const sketch = sketchManifest(object, 'mariadb-dump');
  const version = serverOfDump(head.toString('latin1')) ?? '';
  return { ...sketch, server: { ...sketch.server, version } };
}

async function statOf({ store, key, url }: NamedObject): Promise<ForeignObject> {
  const found = await store.stat(key);
  if (found !== undefined) return { ...found, url };
  throw new SkybackupError('not_found', `There is no object ${url}.`, {
    hint: 'Give its path in the bucket as id, and the bucket, with what comes before the path, as external_source.bucket.',
  });
}

async function openDecoded(
  { store, key, url, encryptionKey }: NamedObject,
  object: ForeignObject,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Decoded> {
  const bytes = async function* (): AsyncGenerator<Buffer> {
    const source = await store.get(key, { signal });
    let read = 0;
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        read += chunk.length;
        onBytes(read);
        yield chunk;
      }
    } finally {
      source.destroy();
    }
    const now = await store.stat(key);
    if (read === object.bytes && now?.bytes === object.bytes && +now.modified === +object.modified) return;
    throw new SkybackupError('conflict', `${url} was replaced while it was read. Nothing was restored of it.`, {
      hint: 'Wait until whoever writes it has finished, then restore again.',
    });
  };
  return decode(bytes(), { url, key: encryptionKey, signal });
}

const methods: Record<ExternalSource['method'], { of: readonly ContentName[]; words: string }> = {
  mariabackup: { of: ['tar', 'xbstream'], words: 'the files of mariadb-backup' },
  mysqldump: { of: ['sql'], words: 'SQL' },
};

/** What contents are, for people. */
export const contentWords: Record<ContentName, string> = {
  tar: 'a tar of files',
  xbstream: 'an mbstream of mariadb-backup',
  sql: 'SQL',
};

function checkMethod({ url, method }: NamedObject, { contents }: Decoded): void {
  if (methods[method].of.includes(contents)) return;
  const other = method === 'mysqldump' ? 'mariabackup' : 'mysqldump';
  throw new SkybackupError(
    'invalid_request',
    `The method ${method} is for ${methods[method].words}, and ${url} is ${contentWords[contents]}.`,
    { hint: `Is it the right object? Then give the method ${other}.` },
  );
}

/** The series of the server that was dumped, where the dump tells. */
export function seriesOfDump({ backups: [{ server }] }: RestoreSource): string | undefined {
  return server.version === '' ? undefined : seriesOf(server.version);
}
