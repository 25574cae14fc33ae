import { existsSync } from 'node:fs';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { renameDurably } from '../managed/durable-file.ts';
import { findServer } from '../managed/find-server.ts';
import { launchManaged, ownLogin } from '../managed/launch.ts';
import { type ManagedLayout, managedLayout } from '../managed/layout.ts';
import { readServerFile, updateServerFile } from '../managed/server-file.ts';
import { connectWith } from '../mariadb/connect.ts';
import { containsGtids } from '../mariadb/gtid.ts';
import { worksIn } from '../mariadb/process-identity.ts';
import { discardServer, proveUnused, stopServer } from '../mariadb/server-process.ts';
import { undrain } from './drain.ts';
import { liveGtidState } from './gtid-state.ts';
import { closeJournal, inodeOf, type Journal } from './journal.ts';
import { type KeptData, keptPath, recordKeptData } from './kept-data.ts';
import { type Staging, stagingOf } from './staging.ts';

/** One exchange of data directories, known by its journal: the same for the restore that makes it and a daemon that finds it. */
export interface Exchange {
  home: Home;
  layout: ManagedLayout;
  staging: Staging;
  kept: string;
  journal: Journal;
}

export function exchangeOf(home: Home, journal: Journal): Exchange {
  const layout = managedLayout(home, journal.service_id);
  return {
    home,
    layout,
    staging: stagingOf(layout, journal.restore_id),
    kept: keptPath(layout, journal.restore_id),
    journal,
  };
}

/** Where the two directories are now, by inode: what was done is seen, not remembered. */
export function placeOfData(exchange: Exchange): 'old' | 'between' | 'new' | 'unknown' {
  const { layout, staging, kept, journal } = exchange;
  const data = inodeOf(layout.data);
  if (data === journal.new_inode) return 'new';
  if (data !== '' && data === journal.old_inode) return 'old';
  const stagedIsNew = inodeOf(staging.data) === journal.new_inode;
  if (data === '' && stagedIsNew && (journal.old_inode === '' || inodeOf(kept) === journal.old_inode)) return 'between';
  return 'unknown';
}

export function moveAside(exchange: Exchange): void {
  if (existsSync(exchange.layout.data)) renameDurably(exchange.layout.data, exchange.kept);
}

export function moveIn(exchange: Exchange): void {
  renameDurably(exchange.staging.data, exchange.layout.data);
}

/** Starts the server on the new data and proves that it is them it serves. Returns what the person should know. */
export async function startAndProve(exchange: Exchange, timeoutMs?: number): Promise<string[]> {
  const { home, layout, journal } = exchange;
  const { identity, answer, file } = await launchManaged(
    home,
    journal.service_id,
    timeoutMs === undefined ? {} : { timeoutMs },
  );
  if (inodeOf(layout.data) !== journal.new_inode || !worksIn(identity.pid, layout.data)) {
    throw new SkybackupError('restore_failed', `Process ${identity.pid} answers and does not serve the restored data.`);
  }
  if (answer === 'denied') {
    return [
      `The restored server refuses the login of skybackup: its backups will fail until the account is made again.`,
    ];
  }
  const connection = await connectWith(ownLogin(layout, file));
  try {
    const state = await liveGtidState(connection);
    if (!containsGtids(state, journal.gtids)) {
      throw new SkybackupError(
        'restore_failed',
        `The restored server could issue transaction ids again: its state is ${state}, it must contain ${journal.gtids}.`,
      );
    }
  } finally {
    await connection.close();
  }
  return file.port_note === undefined ? [] : [file.port_note];
}

/** After the proof: stops the server again if it was not to run, records the kept data, ends the journal. */
export async function close(exchange: Exchange, now: Date): Promise<KeptData> {
  const { layout, journal } = exchange;
  if (!journal.should_run) {
    const running = findServer(layout, readServerFile(layout));
    if (running !== undefined) await stopServer(running, layout.data, { timeoutMs: 300_000 });
    updateServerFile(layout, { wanted: 'stopped', process: null });
  }
  const kept: KeptData = {
    format: 1,
    service_id: journal.service_id,
    restore_id: journal.restore_id,
    path: journal.old_inode === '' ? '' : exchange.kept,
    incarnation: journal.old_incarnation,
    replaced_by: journal.new_incarnation,
    kept_at: now.toISOString(),
    kept_until: new Date(now.getTime() + journal.keep_hours * 3_600_000).toISOString(),
  };
  if (kept.path !== '') recordKeptData(layout, kept);
  closeJournal(layout);
  return kept;
}

/**
 * Puts everything back as it was: the new data out, the old in, the old server up if it was. Whatever the step that was
 * reached; safe to repeat. Throws when the old server does not come up; then its data are in place all the same.
 */
export async function reverse(exchange: Exchange, settleTimeoutMs: number): Promise<void> {
  const { layout, staging, kept, journal } = exchange;
  const place = placeOfData(exchange);
  if (place === 'unknown') throw lostTrack(exchange);
  if (place === 'new') {
    const running = findServer(layout, readServerFile(layout));
    // Its data are a copy that is thrown away: it may be ended by force, the target never.
    if (running !== undefined && worksIn(running.pid, layout.data)) await discardServer(running, 30_000);
    await proveUnused(layout.data);
    renameDurably(layout.data, staging.data);
  }
  if (place !== 'old' && journal.old_inode !== '') renameDurably(kept, layout.data);
  try {
    if (place === 'old') await settleOldServer(exchange, settleTimeoutMs);
    await resumeOldServer(exchange);
  } finally {
    // The old data are in place whatever their server does: withholding its start any longer would help nobody.
    closeJournal(layout);
  }
}

/** A stop that was asked for cannot be taken back: the old server is let go down before it is started again. */
async function settleOldServer(exchange: Exchange, timeoutMs: number): Promise<void> {
  const { layout, journal } = exchange;
  const running = findServer(layout, readServerFile(layout));
  if (journal.step === 'draining' || running === undefined) return;
  await stopServer(running, layout.data, { timeoutMs });
}

async function resumeOldServer(exchange: Exchange): Promise<void> {
  const { home, layout, journal } = exchange;
  if (!journal.was_running || journal.old_inode === '') {
    updateServerFile(layout, { wanted: journal.should_run ? 'running' : 'stopped', process: null });
    return;
  }
  const { answer, file } = await launchManaged(home, journal.service_id);
  if (answer === 'answers') await putSettingsBack(layout, file, journal);
}

async function putSettingsBack(
  layout: ManagedLayout,
  file: ReturnType<typeof readServerFile>,
  journal: Journal,
): Promise<void> {
  if (Object.keys(journal.drained).length === 0) return;
  const connection = await connectWith(ownLogin(layout, file));
  try {
    await undrain(connection, journal.drained);
  } finally {
    await connection.close();
  }
}

function lostTrack(exchange: Exchange): SkybackupError {
  const { layout, kept, staging } = exchange;
  return new SkybackupError(
    'restore_failed',
    `The data directories of ${exchange.journal.service_id} are not where the journal ${layout.journal} left them, so nothing was moved.`,
    {
      hint: `Look at ${layout.data}, ${kept} and ${staging.data}: put the right one in place as "data", remove the journal, and start the service.`,
    },
  );
}
