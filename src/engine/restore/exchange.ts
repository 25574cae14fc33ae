import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { connectWith } from '../mariadb/connect.ts';
import { containsGtids } from '../mariadb/gtid.ts';
import { isAlive, type ProcessIdentity, worksIn } from '../mariadb/process-identity.ts';
import { discardServer, proveUnused } from '../mariadb/server-process.ts';
import { outsideLogs } from './binary-logs.ts';
import { type DataPlace, keptPath, placeOf, type RestoreTarget, runAsOwner } from './data-place.ts';
import { undrain } from './drain.ts';
import { liveGtidState } from './gtid-state.ts';
import { inodeOf } from './inode.ts';
import { closeJournal, type Journal, writeJournal } from './journal.ts';
import { type KeptData, recordKeptData } from './kept-data.ts';
import { type DataMove, forgetMoves, moveBack, placeOfData } from './move-data.ts';
import { forgetNote } from './swap-notes.ts';
import { type TargetServer, targetServer } from './target-server.ts';

/** One exchange of data, known by its journal: the same for the restore that makes it and a daemon that finds it. */
export interface Exchange {
  home: Home;
  target: RestoreTarget;
  place: DataPlace;
  server: TargetServer;
  move: DataMove;
  journal: Journal;
}

export function exchangeOf(
  home: Home,
  target: RestoreTarget,
  journal: Journal,
  server: TargetServer = targetServer(home, target),
): Exchange {
  const place = placeOf(home, target);
  // Of the old data, or of the new ones, which were given to their owner before they were moved in.
  const owned = [place.data, journal.fresh].find((path) => inodeOf(path) !== '') ?? place.data;
  return {
    home,
    target,
    place,
    server,
    move: {
      by: journal.by,
      data: place.data,
      fresh: journal.fresh,
      kept: keptPath(place, journal.restore_id),
      oldId: journal.old_inode,
      newId: journal.new_inode,
      logs: outsideLogs(journal.log_bin, place.data, journal.restore_id, runAsOwner(owned)),
    },
    journal,
  };
}

/** Starts the server on the new data and proves that it is them it serves. Returns what the person should know. */
export async function startAndProve({ place, server, move, journal }: Exchange, timeoutMs?: number): Promise<string[]> {
  await server.release();
  const { identity, answer, notes } = await server.start(timeoutMs);
  if (placeOfData(move) !== 'new' || !worksIn(identity.pid, place.data)) {
    throw new SkybackupError('restore_failed', `Process ${identity.pid} answers and does not serve the restored data.`);
  }
  if (answer === 'denied') {
    return [
      `The restored server refuses the login of skybackup: its backups will fail until the account is made again.`,
    ];
  }
  const connection = await connectWith(await server.login());
  try {
    // A server that keeps no binary log issues ids that nobody else sees.
    const state = journal.log_bin === '' ? journal.gtids : await liveGtidState(connection);
    if (!containsGtids(state, journal.gtids)) {
      throw new SkybackupError(
        'restore_failed',
        `The restored server could issue transaction ids again: its state is ${state}, it must contain ${journal.gtids}.`,
      );
    }
  } finally {
    await connection.close();
  }
  return notes;
}

/** After the proof: stops the server again if it was not to run, records the kept data, ends the journal. */
export async function close(exchange: Exchange, now: Date): Promise<KeptData> {
  const { place, server, move, journal } = exchange;
  if (!journal.should_run) {
    const running = server.find();
    if (running !== undefined) await server.stop(running, 300_000);
    server.noteDown(false);
  }
  const kept: KeptData = {
    format: 1,
    service_id: journal.service_id,
    restore_id: journal.restore_id,
    path: journal.old_inode === '' ? '' : move.kept,
    ...(move.logs === undefined ? {} : { logs: move.logs.kept }),
    incarnation: journal.old_incarnation,
    replaced_by: journal.new_incarnation,
    kept_at: now.toISOString(),
    kept_until: new Date(now.getTime() + journal.keep_hours * 3_600_000).toISOString(),
  };
  if (kept.path !== '') recordKeptData(place, kept);
  settled(exchange);
  return kept;
}

/**
 * Puts everything back as it was: the new data out, the old in, the old server up if it was. Whatever the step that was
 * reached; safe to repeat. Throws when the old server does not come up; then its data are in place all the same.
 */
export async function reverse(exchange: Exchange, settleTimeoutMs: number): Promise<void> {
  const { place, server, move, journal } = exchange;
  const where = placeOfData(move);
  if (where === 'unknown') throw lostTrack(exchange);
  if (!journal.reversing) {
    journal.reversing = true;
    writeJournal(place, journal);
  }
  if (where === 'new') {
    const running = server.find();
    if (running !== undefined && worksIn(running.pid, place.data)) await endNewServer(server, running);
    await proveUnused(place.data);
  }
  moveBack(move);
  try {
    if (where === 'old') await settleOldServer(exchange, settleTimeoutMs);
    await resumeOldServer(exchange);
  } finally {
    // The old data are in place whatever their server does: withholding its start any longer would help nobody.
    settled(exchange);
  }
}

/** In this order: as long as the journal is open, it goes by what else is noted. */
function settled({ home, target, place }: Exchange): void {
  closeJournal(place);
  forgetMoves(place);
  forgetNote(home, target);
}

/** By its own way first: whoever watches over a server that is merely killed starts it again while its data are moved. */
async function endNewServer(server: TargetServer, running: ProcessIdentity): Promise<void> {
  try {
    await server.stop(running, 30_000);
  } catch {
    // Its data are a copy that is thrown away: it may be ended by force, the target never.
    await discardServer(running, 30_000);
  }
}

/** A stop that was asked for cannot be taken back: the old server is let go down before it is started again. */
async function settleOldServer({ server, journal }: Exchange, timeoutMs: number): Promise<void> {
  const { running } = journal;
  // Another process than that one was started by someone else meanwhile: it stays.
  if (journal.step === 'draining' || running === null || !isAlive(running)) return;
  await server.settle(running, timeoutMs);
}

async function resumeOldServer({ server, journal }: Exchange): Promise<void> {
  await server.release();
  if (journal.running === null || journal.old_inode === '') {
    server.noteDown(journal.should_run);
    return;
  }
  const { answer } = await server.start();
  if (answer === 'answers') await putSettingsBack(server, journal);
}

async function putSettingsBack(server: TargetServer, journal: Journal): Promise<void> {
  if (Object.keys(journal.drained).length === 0) return;
  const connection = await connectWith(await server.login());
  try {
    await undrain(connection, journal.drained);
  } finally {
    await connection.close();
  }
}

function lostTrack({ place, move, journal }: Exchange): SkybackupError {
  return new SkybackupError(
    'restore_failed',
    `The data directories of ${journal.service_id} are not where the journal ${place.journal} left them, so nothing was moved.`,
    {
      hint: `Look at ${move.data}, ${move.kept} and ${move.fresh}: put the right one in place as ${move.data}, remove the journal, and start the service.`,
    },
  );
}
