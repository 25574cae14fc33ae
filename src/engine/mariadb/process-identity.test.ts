import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  holdersOf,
  identify,
  isAlive,
  signalProcess,
  startTimeOf,
  waitUntilGone,
  worksIn,
} from './process-identity.ts';
import { endTagged, tag } from './tagged-processes.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'skb-proc-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function sleeper(options: { cwd?: string; env?: Record<string, string>; file?: string } = {}) {
  const script = options.file === undefined ? 'sleep 600' : `exec 3<'${options.file}'; echo; exec sleep 600`;
  const child = spawn('/bin/sh', ['-c', options.file === undefined ? `echo; exec ${script}` : script], {
    cwd: options.cwd ?? '/',
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('the process is gone');
  return identity;
}

test('a process is known by its start time: the same pid of another start is not it', async () => {
  const identity = await sleeper();
  const imposter = { ...identity, start_time: '1' };
  expect(isAlive(identity)).toBe(true);
  expect(isAlive(imposter)).toBe(false);
  expect(signalProcess(imposter, 'SIGKILL')).toBe(false);
  expect(isAlive(identity)).toBe(true);
  expect(await waitUntilGone(identity, 30)).toBe(false);
  expect(signalProcess(identity, 'SIGKILL')).toBe(true);
  expect(await waitUntilGone(identity, 10_000)).toBe(true);
  expect(signalProcess(identity, 'SIGKILL')).toBe(false);
});

test('a process has gone with the last of its threads, whose files and locks it holds until then', () => {
  const stat = (state: string, threads: number): string =>
    `12 (odd) name) ${state} 1 12 12 0 -1 4228364 8900 0 3 0 12 5 0 0 20 0 ${threads} 0 4711 0 0\n`;
  expect(startTimeOf(stat('S', 30))).toBe('4711');
  expect(startTimeOf(stat('Z', 2))).toBe('4711');
  expect(startTimeOf(stat('Z', 1))).toBeUndefined();
  expect(startTimeOf(stat('X', 0))).toBeUndefined();
  expect(startTimeOf('')).toBeUndefined();
});

test('a working directory is known by its inode, whatever its name is now', async () => {
  const identity = await sleeper({ cwd: folder });
  const moved = `${folder}-moved`;
  renameSync(folder, moved);
  expect(worksIn(identity.pid, moved)).toBe(true);
  expect(worksIn(identity.pid, tmpdir())).toBe(false);
  signalProcess(identity, 'SIGKILL');
  await waitUntilGone(identity, 10_000);
  rmSync(moved, { recursive: true });
});

test('whoever has a file of a directory open is found, a neighbour with a longer name is not', async () => {
  writeFileSync(join(folder, 'file'), 'x');
  const identity = await sleeper({ file: join(folder, 'file') });
  expect(holdersOf(folder)).toEqual([{ pid: identity.pid, command: 'sleep', path: join(folder, 'file') }]);
  symlinkSync(folder, `${folder}-link`);
  expect(holdersOf(`${folder}-link`)).toHaveLength(1);
  rmSync(`${folder}-link`);
  mkdirSync(folder.slice(0, -1));
  expect(holdersOf(folder.slice(0, -1))).toEqual([]);
  rmdirSync(folder.slice(0, -1));
  signalProcess(identity, 'SIGKILL');
  await waitUntilGone(identity, 10_000);
  expect(holdersOf(folder)).toEqual([]);
});

test('tagged processes are ended, and nobody else', async () => {
  const [ours, other, none] = [await sleeper({ env: tag('/a') }), await sleeper({ env: tag('/a/b') }), await sleeper()];
  expect(await endTagged('/a')).toEqual([ours]);
  expect([isAlive(ours), isAlive(other), isAlive(none)]).toEqual([false, true, true]);
  for (const identity of [other, none]) {
    signalProcess(identity, 'SIGKILL');
    await waitUntilGone(identity, 10_000);
  }
});
