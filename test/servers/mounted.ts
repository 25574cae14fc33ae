import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface MountPoint {
  /** The root of an ext4 file system of its own, with the `lost+found` that comes with one. */
  readonly path: string;
  dispose(): void;
}

const mounted = new Set<string>();
process.on('exit', () => {
  for (const path of mounted) unmount(path);
});

/** A disk of its own for a test that is root: an image in a file, mounted. */
export function mountPoint(megabytes = 1500): MountPoint {
  const root = mkdtempSync(join(tmpdir(), 'skb-disk-'));
  const [image, path] = [join(root, 'image'), join(root, 'mysql')];
  chmodSync(root, 0o755);
  writeFileSync(image, '');
  truncateSync(image, megabytes * 1024 * 1024);
  execFileSync('/sbin/mkfs.ext4', ['-q', '-F', image]);
  mkdirSync(path);
  execFileSync('mount', ['-o', 'loop', image, path]);
  mounted.add(path);
  return {
    path,
    dispose() {
      unmount(path);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** From the tree at once, and in truth when the last process has left it. */
function unmount(path: string): void {
  execFileSync('umount', ['--lazy', path]);
  mounted.delete(path);
}
