import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTool, toolVersion } from './tools.ts';

describe('tools', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'skb-tools-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('are found in PATH first, then in the standard directories', () => {
    writeFileSync(join(root, 'zstd'), '#!/bin/sh\n');
    chmodSync(join(root, 'zstd'), 0o755);
    expect(findTool('zstd', root)).toBe(join(root, 'zstd'));
    expect(findTool('mariadbd', '')).toMatch(/^\/.*\/mariadbd$/);
    mkdirSync(join(root, 'age'));
    writeFileSync(join(root, 'mbstream'), 'not executable');
    expect(findTool('age', `relative:${root}`)).not.toContain(root);
    expect(findTool('mbstream', root)).not.toContain(root);
  });

  it('tell their version', async () => {
    expect(await toolVersion('mariadb-backup')).toMatch(/^\d+\.\d+\.\d+$/);
    expect(await toolVersion('mariadb')).toBe(await toolVersion('mariadbd'));
    expect(await toolVersion('zstd')).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
