import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `npm test` and `npm run demo` started together must not both replace node_modules: the second waits for the first.
 * The file names its owner, so that a killed set-up does not block the next one.
 *
 * @param {string} file
 * @param {(pid: number) => void} onWait called once, when someone else holds the lock
 * @returns {Promise<() => void>} releases it
 */
export async function takeLock(file, onWait) {
  mkdirSync(dirname(file), { recursive: true });
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const pid = ownerOf(file);
    if (pid === undefined || !isAlive(pid)) {
      // Empty may also mean "created, not written yet": look again before taking it away.
      if (pid === undefined) await sleep(100);
      if (ownerOf(file) === pid) rmSync(file, { force: true });
      continue;
    }
    if (!waited) onWait(pid);
    await sleep(250);
  }
}

/** @param {string} file */
function ownerOf(file) {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
