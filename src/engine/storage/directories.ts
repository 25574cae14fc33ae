import { lstat, mkdir, open, realpath } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';

/** Makes a directory (0700) and those above it, down from `root`'s nearest existing parent, each entry durable. */
export async function makeDirectories(root: string, directory: string): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  for (let path = directory; ; path = dirname(path)) {
    await syncDirectory(dirname(path));
    if (path === made || path === root) break;
  }
}

/** Brings a directory's entries to the disk: without it, a file that was fsynced may still lose its name. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The path itself or the nearest parent that is there. */
export async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    if (
      at === dirname(at) ||
      (await lstat(at).then(
        () => true,
        () => false,
      ))
    )
      return at;
  }
}

/** Throws when a symbolic link leads from inside `root` to somewhere else: objects stay in their store. */
export async function refuseEscape(root: string, path: string): Promise<void> {
  const there = await nearestExisting(path === root ? root : dirname(path));
  if (there.length < root.length) return;
  const [realRoot, real] = await Promise.all([realpath(root), realpath(there).catch(() => undefined)]);
  if (real === realRoot || real?.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) return;
  throw new SkybackupError('invalid_request', `${path} leads out of the storage ${root} through a symbolic link.`, {
    hint: 'Remove the link, or make the directory itself the storage.',
  });
}
