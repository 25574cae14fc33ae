import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { describeExit, runCommand, startCommand } from './command.ts';

const textOf = (stream: Readable | null): Promise<string> => text(stream ?? Readable.from([]));
const sh = (script: string) => ({ path: '/bin/sh', args: ['-c', script] });

describe('a command', () => {
  it('gives its output, exit code and last words', async () => {
    expect(await runCommand(sh('echo out; echo err >&2'))).toEqual({ stdout: 'out\n', stderr: 'err' });
    const exit = await startCommand(sh('echo wrong >&2; exit 3')).exit;
    expect(exit).toMatchObject({ name: 'sh', code: 3, signal: null, stderr: ['wrong'] });
    expect(describeExit(exit)).toBe('sh ended with code 3: wrong');
    await expect(runCommand(sh('exit 1'))).rejects.toMatchObject({ code: 'backup_failed' });
    await expect(runCommand(sh('exit 1'), { failure: 'restore_failed' })).rejects.toMatchObject({
      code: 'restore_failed',
    });
  });

  it('that is not there says tool_missing', async () => {
    await expect(startCommand({ path: '/nowhere/tool', args: [] }).exit).rejects.toMatchObject({
      code: 'tool_missing',
    });
    await expect(runCommand({ path: '/nowhere/tool', args: [] })).rejects.toMatchObject({ code: 'tool_missing' });
  });

  it('hands its output to the next directly, and a reader that dies ends it', async () => {
    const first = startCommand(sh('echo one; echo two'));
    const second = startCommand({ path: '/usr/bin/wc', args: ['-l'] }, { stdin: first.stdout ?? 'ignore' });
    expect((await textOf(second.stdout)).trim()).toBe('2');
    expect((await first.exit).code).toBe(0);

    const endless = startCommand({ path: '/usr/bin/yes', args: [] });
    const reader = startCommand({ path: '/usr/bin/head', args: ['-c', '10'] }, { stdin: endless.stdout ?? 'ignore' });
    await textOf(reader.stdout);
    expect((await endless.exit).code).not.toBe(0);
  });

  it('is cancelled with its children, also when it ignores SIGINT', async () => {
    const abort = new AbortController();
    const command = startCommand(sh("trap '' INT; sleep 1000 & echo $!; wait; sleep 1000"), {
      signal: abort.signal,
      graceMs: 100,
    });
    const stdout = command.stdout;
    const child = await new Promise<string>((resolve) =>
      stdout?.once('data', (chunk) => resolve(String(chunk).trim())),
    );
    abort.abort();
    expect(await command.exit).toMatchObject({ signal: 'SIGKILL' });
    while (existsSync(`/proc/${child}`)) await new Promise(setImmediate);
  });

  it('inherits nothing that would redirect MariaDB tools', async () => {
    process.env.MYSQL_PWD = 'secret-in-env';
    try {
      const { stdout } = await runCommand({ ...sh('env'), env: { EXTRA: '1' } });
      expect(stdout).not.toContain('MYSQL_PWD');
      expect(stdout).toContain('EXTRA=1');
      expect(stdout).toContain('TZ=UTC');
    } finally {
      delete process.env.MYSQL_PWD;
    }
  });

  it('does not start when it was cancelled before', async () => {
    await expect(runCommand(sh('true'), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
