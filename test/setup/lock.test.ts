import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeLock } from '../../scripts/setup/lock.mjs';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skb-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a second set-up waits for the first and says whom it waits for', async () => {
  const file = join(directory, 'sub', 'lock');
  const release = await takeLock(file, () => expect.unreachable('nobody holds the lock'));
  const waitedFor: number[] = [];
  let second = false;
  const waiting = takeLock(file, (pid) => {
    waitedFor.push(pid);
    expect(second).toBe(false);
    release();
  }).then((done) => {
    second = true;
    return done;
  });
  (await waiting)();
  expect(waitedFor).toEqual([process.pid]);
  expect(existsSync(file)).toBe(false);
});

test('the lock of a killed set-up, or one cut off before it wrote its pid, does not block', async () => {
  const file = join(directory, 'lock');
  const dead = spawnSync('true').pid;
  for (const content of [`${dead}\n`, '']) {
    writeFileSync(file, content);
    const release = await takeLock(file, () => expect.unreachable('the owner is gone'));
    expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
    release();
  }
});
