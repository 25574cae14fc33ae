import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What one file may hold before it is put aside, and how many are kept aside. */
export interface AuditBounds {
  largest: number;
  kept: number;
}

const bounds: AuditBounds = { largest: 10 * 1024 * 1024, kept: 9 };

/**
 * Appends one line to a file that only its owner reads. Several processes may do so at once: each line is one write of a file
 * opened for appending, so none comes between another's. Opened for each line, which are few, and never before the first.
 * Throws when the line could not be written whole.
 */
export function appendLine(path: string, line: string, { largest, kept }: AuditBounds = bounds): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const { O_RDWR, O_CREAT, O_APPEND } = constants;
  const file = openSync(path, O_RDWR | O_CREAT | O_APPEND, 0o600);
  try {
    const { size } = fstatSync(file);
    // Half a line that a full disk left must not swallow this one. Where another process is writing just now, a blank line comes of it.
    const text = Buffer.from(`${endsWithLine(file, size) ? '' : '\n'}${line}\n`);
    if (writeSync(file, text) < text.length) throw new Error('the disk is full');
    if (size + text.length > largest) putAside(path, kept);
  } finally {
    closeSync(file);
  }
}

function endsWithLine(file: number, size: number): boolean {
  const last = Buffer.alloc(1);
  return size === 0 || readSync(file, last, 0, 1, size - 1) === 0 || last.toString() === '\n';
}

/**
 * Renames the full file to a name that no other has. Two processes that do so at once put aside one large and one small file;
 * nothing that was written is lost but the oldest files.
 */
function putAside(path: string, kept: number): void {
  const folder = dirname(path);
  const stem = basename(path, '.jsonl');
  const moment = new Date().toISOString().replace(/[:.]/g, '-');
  try {
    renameSync(path, join(folder, `${stem}-${moment}-${process.pid}-${process.hrtime.bigint()}.jsonl`));
  } catch (error) {
    // Another process was first.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const aside = readdirSync(folder).filter((name) => name.startsWith(`${stem}-`) && name.endsWith('.jsonl'));
  for (const name of aside.sort().slice(0, Math.max(0, aside.length - kept)))
    rmSync(join(folder, name), { force: true });
}
