import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labelAs, labelledAs } from '../../../src/engine/restore/security-label.ts';

const database = 'system_u:object_r:mysqld_db_t:s0';
const above = 'system_u:object_r:var_lib_t:s0';

let root: string;
let [old, fresh, selinux] = ['', '', ''];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'skb-label-'));
  [old, fresh, selinux] = [join(root, 'data'), join(root, 'fresh'), join(root, 'selinux')];
  for (const folder of [old, join(fresh, 'shop'), selinux]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(fresh, 'ibdata1'), '');
  writeFileSync(join(fresh, 'shop', '-odd name.ibd'), '');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Real labels: a kernel without SELinux keeps them as it keeps any attribute of root's. */
const give = (label: string, path: string): void => void execFileSync('chcon', ['-h', label, path]);
const labelOf = (path: string): string =>
  execFileSync('stat', ['--format=%C', '--', path], { encoding: 'utf8' }).trim();
const all = () => [fresh, join(fresh, 'ibdata1'), join(fresh, 'shop'), join(fresh, 'shop', '-odd name.ibd')];

// Only root sets a label where the kernel has no SELinux.
describe.runIf(process.getuid?.() === 0)('security labels', () => {
  it('are given where the kernel has SELinux, enforcing or not, and there are data to go by', () => {
    expect(labelledAs(old, selinux)).toBeUndefined();
    for (const enforcing of ['0', '1']) {
      writeFileSync(join(selinux, 'enforce'), enforcing);
      expect(labelledAs(old, selinux)).toBe(old);
    }
    expect(labelledAs(join(root, 'nowhere'), selinux)).toBeUndefined();
  });

  it('become those of the other directory, of every entry and of no file behind a link', async () => {
    const outside = join(root, 'outside');
    writeFileSync(outside, '');
    symlinkSync(outside, join(fresh, 'link'));
    give(database, old);
    for (const path of [...all(), outside]) give(above, path);
    await labelAs(fresh, old);
    expect([...all(), join(fresh, 'link')].map(labelOf)).toEqual(Array(5).fill(database));
    expect(labelOf(outside)).toBe(above);
  });

  it('that cannot be given are told with the reason', async () => {
    give(database, old);
    const held = join(fresh, 'ibdata1');
    execFileSync('chattr', ['+i', held]);
    try {
      await expect(labelAs(fresh, old)).rejects.toMatchObject({
        code: 'restore_failed',
        message: expect.stringMatching(/security label of .*ibdata1.*Operation not permitted/),
      });
    } finally {
      execFileSync('chattr', ['-i', held]);
    }
  });

  it('are no excuse for a file system that keeps none, where the data of before have one', async () => {
    give(database, old);
    const bare = join(root, 'bare');
    mkdirSync(bare);
    execFileSync('mount', ['-t', 'ramfs', 'none', bare]);
    try {
      await expect(labelAs(bare, old)).rejects.toMatchObject({ message: expect.stringContaining('not supported') });
    } finally {
      execFileSync('umount', [bare]);
    }
  });
});
