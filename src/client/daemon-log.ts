import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { redact } from '../contract/redact.ts';

const largest = 5 * 1024 * 1024;
const kept = 3;

/** Opens the log for a daemon's output, after moving one that has grown large aside; the oldest goes. */
export async function openLog(path: string): Promise<{ handle: FileHandle; start: number }> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > largest) {
    await rm(`${path}.${kept}`, { force: true });
    for (let n = kept; n > 0; n -= 1) {
      // Another client may be doing the same: whoever comes second finds nothing to move.
      await rename(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`).catch(() => undefined);
    }
  }
  const handle = await open(path, 'a', 0o600);
  return { handle, start: (await handle.stat()).size };
}

/** The last lines that were written to the log since `start`, without secrets. */
export async function logTail(path: string, start: number, lines = 15): Promise<string> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const from = Math.max(start > size ? 0 : start, size - 8192);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    const text = redact(buffer.subarray(0, bytesRead).toString('utf8'));
    return text
      .split('\n')
      .map((line) =>
        line
          .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
          .trim()
          .slice(0, 400),
      )
      .filter((line) => line !== '')
      .slice(-lines)
      .join('\n');
  } finally {
    await handle.close();
  }
}
