import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findTool, toolVersion } from './tools.ts';

describe('tools', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'skb-tools-'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true, force: true });
  });

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

  it('are asked for their version once, and again when they are others', async () => {
    vi.stubEnv('PATH', `${root}:${process.env.PATH}`);
    const [program, calls] = [join(root, 'zstd'), join(root, 'calls')];
    const install = (version: string): void => {
      rmSync(program, { force: true });
      writeFileSync(program, `#!/bin/sh\necho call >> ${calls}\necho v${version}\n`, { mode: 0o755 });
    };
    install('1.0.0');
    expect(await toolVersion('zstd')).toBe('1.0.0');
    expect(await toolVersion('zstd')).toBe('1.0.0');
    install('1.0.1');
    expect(await toolVersion('zstd')).toBe('1.0.1');
    expect(readFileSync(calls, 'utf8')).toBe('call\ncall\n');
  });
});
