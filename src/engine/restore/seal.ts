import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { labelAs, labelledAs } from './security-label.ts';

export interface Ownership {
  uid: number;
  gid: number;
  directoryMode: number;
  fileMode: number;
  /** The directory whose security label they have; undefined where there are no labels. */
  label: string | undefined;
}

/**
 * How the entries of a data directory are owned, from the directory itself; defaults where it is gone. `selinux` stands for
 * the kernel's own folder.
 */
export async function ownershipOf(datadir: string, selinux?: string): Promise<Ownership> {
  const [directory, file] = await Promise.all([statOrNothing(datadir), statOrNothing(join(datadir, 'ibdata1'))]);
  return {
    uid: directory?.uid ?? process.getuid?.() ?? 0,
    gid: directory?.gid ?? process.getgid?.() ?? 0,
    directoryMode: (directory?.mode ?? 0o700) & 0o777,
    fileMode: (file?.mode ?? 0o660) & 0o777,
    label: labelledAs(datadir, selinux),
  };
}

const atOnce = 8;

/**
 * Gives every entry of a directory its owner, mode and security label and makes its bytes durable: a server that runs as
 * another user, or is confined, fails on a single foreign file, and a rename that survives a power loss is worth nothing over
 * files that do not. With `changedSince` (ms) only what was written after it, for a second, quick round; labels cost no more
 * than a look at each file. Throws `restore_failed` where labels cannot be given.
 */
export async function seal(directory: string, ownership: Ownership, changedSince = 0): Promise<void> {
  if (ownership.label !== undefined) await labelAs(directory, ownership.label);
  const pending = [directory];
  const folders: string[] = [];
  const files: string[] = [];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    folders.push(folder);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile()) files.push(path);
    }
  }
  for (let index = 0; index < files.length; index += atOnce) {
    await Promise.all(
      files.slice(index, index + atOnce).map((path) => sealOne(path, ownership, ownership.fileMode, changedSince)),
    );
  }
  // Folders after their files, the innermost first: each then holds durable names only.
  for (const folder of folders.toReversed()) await sealOne(folder, ownership, ownership.directoryMode, changedSince);
}

/** By the open file, and through no link: who owns these files may put others in their place at any moment. */
async function sealOne(path: string, ownership: Ownership, mode: number, changedSince: number): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (stat.mtimeMs < changedSince && stat.ctimeMs < changedSince) return;
    if (stat.uid !== ownership.uid || stat.gid !== ownership.gid) await handle.chown(ownership.uid, ownership.gid);
    if ((stat.mode & 0o777) !== mode) await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function statOrNothing(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
}
