import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStateDatabase } from './state-database.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-state-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Another daemon that starts at the same moment: it holds the new file for a while, to see whose the home is. */
function holding(file: string, ms: number): Promise<Worker> {
  const held = new Worker(
    `const { DatabaseSync } = require('node:sqlite');
     const { parentPort, workerData: { file, ms } } = require('node:worker_threads');
     const db = new DatabaseSync(file);
     db.exec('BEGIN IMMEDIATE');
     parentPort.postMessage('held');
     setTimeout(() => db.close(), ms);`,
    { eval: true, workerData: { file, ms } },
  );
  return new Promise((resolve, reject) => {
    held.once('message', () => resolve(held));
    held.once('error', reject);
  });
}

it('is opened although another process holds the new file for a moment', async () => {
  const file = join(folder, 'state.db');
  const other = await holding(file, 300);
  const db = openStateDatabase(file);
  expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  db.close();
  await other.terminate();
});
