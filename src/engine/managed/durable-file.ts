import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces `path` by `text` so that after a crash either the old or the new text is there, whole. Synchronous on purpose:
 * nothing of this process may run between a journal entry and the step it announces.
 */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  const draft = draftOf(path);
  try {
    // Through no link: in a data directory its owner could have put one there.
    const file = openSync(
      draft,
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
      mode,
    );
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}

/** One name for every process: what a killed writer left is overwritten by the next one, and removed with the file. */
function draftOf(path: string): string {
  return `${path}.draft`;
}

/** Removes a file, and the draft that a killed writer may have left of it, and makes their absence durable. */
export function removeDurably(path: string): void {
  rmSync(path, { force: true });
  rmSync(draftOf(path), { force: true });
  syncDirectory(dirname(path));
}

/** A rename lives in the directory: without this it may be gone after a power loss. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncDirectory(dirname(to));
  if (dirname(from) !== dirname(to)) syncDirectory(dirname(from));
}

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
