import { createHash } from 'node:crypto';
import { SkybackupError } from '../../contract/errors.ts';
import type { ObjectStat } from '../storage/object-store.ts';
import { backupPrefix, Manifest } from './manifest.ts';

export function manifestKey(serviceId: string, backupId: string): string {
  return `${backupPrefix(serviceId, backupId)}/manifest.json`;
}

export function encodeManifest(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(Manifest.parse(manifest), null, 1)}\n`);
}

/** Stands for what lies in a backup's folder, by names and sizes. */
export function listingOf(objects: readonly Pick<ObjectStat, 'key' | 'bytes'>[]): string {
  const lines = objects.map(({ key, bytes }) => `${key} ${bytes}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('base64url');
}

/** What lies in the folder of a backup once it is published, as `listingOf` puts it. */
export function publishedListing(manifest: Manifest): string {
  const own = { key: manifestKey(manifest.service_id, manifest.id), bytes: encodeManifest(manifest).length };
  return listingOf([...manifest.objects, own]);
}

/** Reads `manifest.json`. Throws `backup_damaged` with the reason when it is not whole, or lies where it does not belong. */
export function parseManifest(key: string, bytes: Buffer): Manifest {
  const damaged = (why: string): SkybackupError =>
    new SkybackupError('backup_damaged', `The manifest ${key} is damaged: ${why}.`, { details: { key } });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw damaged('it is not whole JSON');
  }
  const parsed = Manifest.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw damaged(`${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'wrong'}`);
  }
  const manifest = parsed.data;
  const prefix = `${backupPrefix(manifest.service_id, manifest.id)}/`;
  if (!key.startsWith(prefix)) throw damaged(`it belongs to ${prefix}`);
  for (const { key: objectKey, bytes: size, block_bytes, blocks } of manifest.objects) {
    // Else a manifest could make a restore read another backup's object.
    if (!objectKey.startsWith(prefix)) throw damaged(`its object ${objectKey.slice(0, 200)} belongs elsewhere`);
    if (block_bytes < 1 || blocks.length !== Math.ceil(size / block_bytes)) {
      throw damaged(`${blocks.length} blocks of ${block_bytes} bytes do not make ${size}`);
    }
  }
  return manifest;
}
