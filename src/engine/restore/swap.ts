import { existsSync } from 'node:fs';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { serverIn } from '../control/seen-server.ts';
import type { JobContext } from '../job-context.ts';
import { readMarker } from '../managed/data-marker.ts';
import { connectWith } from '../mariadb/connect.ts';
import { highestGtids } from '../mariadb/gtid.ts';
import type { PrivateServer } from '../mariadb/private-server.ts';
import { holdersOf, identify, type ProcessIdentity } from '../mariadb/process-identity.ts';
import { proveUnused } from '../mariadb/server-process.ts';
import { handOverState } from './binary-logs.ts';
import { keptPath, placeOf, type RestoreTarget, runAsOwner } from './data-place.ts';
import { drain, drainSettings } from './drain.ts';
import { close, type Exchange, exchangeOf, reverse, startAndProve } from './exchange.ts';
import { giveGtidState, liveGtidState, stoppedGtidState } from './gtid-state.ts';
import { type Journal, type SwapStep, writeJournal } from './journal.ts';
import type { KeptData } from './kept-data.ts';
import { idOfData, moveAside, moveIn } from './move-data.ts';
import { ownershipOf, seal } from './seal.ts';
import { noteTarget } from './swap-notes.ts';
import { targetServer } from './target-server.ts';

/** What tests turn: to look in at each step, not to wait minutes for a server that was made to hang, and to have labels on files. */
export interface SwapControls {
  afterStep?: (step: SwapStep) => void | Promise<void>;
  stopTimeoutMs?: number;
  startTimeoutMs?: number;
  answerTimeoutMs?: number;
  /** Stands for the folder in which the kernel tells of SELinux. */
  selinux?: string;
}

export interface SwapInput {
  restoreId: number;
  /** Its data are replaced. */
  target: RestoreTarget & { incarnation: string };
  home: Home;
  /** Of the new data; their marker says so already. */
  newIncarnation: string;
  /** Highest sequence per domain and server ever seen for the target, '' if none; its live state is added here. */
  highestGtids: string;
  /** Asked right before the target is stopped; throws to forbid it. */
  beforeSwap: () => void | Promise<void>;
  /** How long the old data stay. Default 72. */
  keepHours?: number | undefined;
}

/** The new data, complete but for what only the stopped target can tell. */
export interface ProvenData {
  /** Becomes the data directory: of a staging folder, or kept data. A swap that is taken back leaves them there again. */
  data: string;
  /** Runs on them; it is stopped right before they are moved. */
  server: PrivateServer;
  /** When the files were last made durable, ms since the epoch. */
  sealedAt: number;
}

export interface Swapped {
  downtimeMs: number;
  kept: KeptData;
  running: boolean;
  warnings: string[];
  gtids: string;
}

/**
 * Exchanges the target's data for the proven ones. Until the target is asked to stop, a cancel or a failure leaves it
 * running; from then on a failure puts the old data back and starts it again, and a cancel comes too late: going back
 * would cost the same downtime.
 */
export async function swap(
  input: SwapInput,
  proven: ProvenData,
  job: JobContext,
  controls: SwapControls,
): Promise<Swapped> {
  const { stopTimeoutMs = 120_000, startTimeoutMs, afterStep } = controls;
  const warnings: string[] = [];
  const { exchange, running } = await openExchange(
    input,
    proven,
    (message) => warnings.push(message),
    controls.answerTimeoutMs ?? 10_000,
  );
  const { place, server, move, journal } = exchange;
  let [stoppedAt, startedAt] = [0, 0];
  let kept: KeptData | undefined;

  const steps: [SwapStep, () => void | Promise<void>][] = [
    ['draining', () => drainTarget(exchange, running, input, job)],
    [
      'stopping',
      async () => {
        stoppedAt = performance.now();
        if (running !== undefined) await server.stop(running, stopTimeoutMs);
        await server.withhold();
        if (existsSync(place.data)) await proveUnused(place.data);
      },
    ],
    [
      'sealing',
      async () => {
        refuseRevived(place.data);
        journal.gtids = highestGtids(
          input.highestGtids,
          journal.gtids,
          journal.log_bin === '' ? '' : await stoppedGtidState(journal.log_bin),
        );
        await giveGtidState(proven.server.connection, journal.gtids);
        await proven.server.stop();
        handOverState(proven.data, place.data, journal.log_bin, journal.gtids, runAsOwner(place.data));
        await seal(proven.data, await ownershipOf(place.data, controls.selinux), proven.sealedAt);
      },
    ],
    [
      'aside',
      () => {
        refuseRevived(place.data);
        moveAside(move);
        refuseRevived(move.kept);
        // Where only its entries were renamed, a server that came up meanwhile is still there.
        refuseRevived(place.data);
      },
    ],
    ['in', () => moveIn(move, journal.gtids)],
    [
      'starting',
      async () => {
        warnings.push(...(await startAndProve(exchange, startTimeoutMs)));
        startedAt = performance.now();
      },
    ],
    [
      'closing',
      async () => {
        kept = await close(exchange, new Date());
      },
    ],
  ];
  try {
    for (const [name, work] of steps) {
      journal.step = name;
      writeJournal(place, journal);
      await work();
      await afterStep?.(name);
    }
  } catch (error) {
    await proven.server.discard();
    throw await takeBack(exchange, error, stopTimeoutMs * 5);
  }
  if (kept === undefined) throw new Error('the exchange ended without its record');
  return {
    downtimeMs: running === undefined ? 0 : Math.round(startedAt - stoppedAt),
    kept,
    running: journal.should_run,
    warnings,
    gtids: journal.gtids,
  };
}

/** Looks at everything that would stop the exchange half way, while nothing has been touched; then opens the journal. */
async function openExchange(
  input: SwapInput,
  proven: ProvenData,
  warn: (message: string) => void,
  answerTimeoutMs: number,
): Promise<{ exchange: Exchange; running: ProcessIdentity | undefined }> {
  const { home, target, restoreId } = input;
  const place = placeOf(home, target);
  const server = targetServer(home, target, warn);
  let running = server.find();
  const kept = keptPath(place, restoreId);
  if (existsSync(kept)) {
    throw new SkybackupError('conflict', `${kept} exists: an earlier restore has this number.`, {
      hint: 'Move that folder away, then restore again.',
    });
  }
  if (running !== undefined) {
    const answer = await server.answer(running, answerTimeoutMs);
    // One that dies at each start has just done so.
    if (answer === 'gone') running = undefined;
    else if (answer === 'silent') {
      throw new SkybackupError(
        'service_down',
        `The server of ${target.id} (process ${running.pid}) runs and does not answer, so it could not be stopped properly. Nothing was changed.`,
        { hint: `Read ${server.log}; stop the server or wait until it answers, then restore again.` },
      );
    }
  }
  const { logBin } = await server.look();
  const isWanted = running !== undefined || (await server.isWanted());
  const holders = holdersOf(place.data);
  // Started once more meanwhile, it is no stranger: draining ends its starts.
  const own = running ?? (isWanted ? server.find() : undefined);
  const stranger = holders.find(({ pid }) => pid !== own?.pid && identify(pid) !== undefined);
  if (stranger !== undefined) {
    throw new SkybackupError(
      'conflict',
      `Process ${stranger.pid} (${stranger.command}) has ${stranger.path} open, so the data cannot be exchanged. Nothing was changed.`,
      { hint: `End process ${stranger.pid}, then restore again.` },
    );
  }
  noteTarget(home, target);
  const journal: Journal = {
    format: 1,
    service_id: target.id,
    restore_id: restoreId,
    step: 'draining',
    fresh: proven.data,
    by: place.by,
    old_inode: idOfData(place.data, place.by),
    new_inode: idOfData(proven.data, place.by),
    old_incarnation: readMarker(place.data)?.incarnation ?? target.incarnation,
    new_incarnation: input.newIncarnation,
    should_run: isWanted,
    running: running ?? null,
    log_bin: logBin,
    reversing: false,
    drained: {},
    gtids: '',
    keep_hours: input.keepHours ?? 72,
    begun_at: new Date().toISOString(),
  };
  return { exchange: exchangeOf(home, target, journal, server), running };
}

/** Something that watches over the target may start it again at any moment: its files must not be moved under it. */
function refuseRevived(data: string): void {
  const [holder] = holdersOf(data);
  // One that has just come up works there and has opened nothing yet.
  const pid = holder?.pid ?? serverIn(data)?.pid;
  if (pid === undefined) return;
  throw new SkybackupError(
    'conflict',
    `Process ${pid} (${holder?.command ?? 'mariadbd'}) works in ${data}: something started the server again while its data were to be exchanged.`,
    { hint: 'Switch off whatever restarts the server by itself, then restore again.' },
  );
}

/** Last of all asks whether the swap may still happen: this job's lease, and a cancel. */
async function drainTarget(
  exchange: Exchange,
  running: ProcessIdentity | undefined,
  input: SwapInput,
  job: JobContext,
): Promise<void> {
  const { place, server, journal } = exchange;
  if (running !== undefined) {
    const connection = await connectWith(await server.login()).catch((error: unknown) => {
      if (toSkybackupError(error).code === 'access_denied') return undefined;
      throw error;
    });
    // A target that refuses our login is stopped as it is: slower, and no less safe.
    if (connection !== undefined) {
      try {
        journal.drained = await drainSettings(connection);
        // Not the last word, since the target goes on writing; but all there is if its logs cannot be read later.
        journal.gtids = await liveGtidState(connection);
        writeJournal(place, journal);
        await drain(connection, job.signal);
      } finally {
        await connection.close();
      }
    }
  }
  await input.beforeSwap();
  job.signal.throwIfAborted();
}

/** Reverses the exchange after a failure and returns the error to throw: the first one, with the second if there is one. */
async function takeBack(exchange: Exchange, error: unknown, settleTimeoutMs: number): Promise<unknown> {
  const { place, journal } = exchange;
  if (journal.step === 'closing') {
    return new SkybackupError('restore_failed', `The data were exchanged and proven, but this could not be recorded.`, {
      hint: `Restart the daemon: it finishes the restore from ${place.journal}.`,
      cause: error,
    });
  }
  try {
    await reverse(exchange, settleTimeoutMs);
    return error;
  } catch (second) {
    const [first, then] = [toSkybackupError(error), toSkybackupError(second)];
    return new SkybackupError(
      'restore_failed',
      `${first.message} And the service could not be brought back as it was: ${then.message}`,
      { hint: then.hint, cause: new AggregateError([error, second]) },
    );
  }
}
