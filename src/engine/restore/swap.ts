import { existsSync } from 'node:fs';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import { readMarker } from '../managed/data-marker.ts';
import { findServer } from '../managed/find-server.ts';
import { ownLogin } from '../managed/launch.ts';
import { managedLayout } from '../managed/layout.ts';
import { readServerFile } from '../managed/server-file.ts';
import { connectWith } from '../mariadb/connect.ts';
import { highestGtids } from '../mariadb/gtid.ts';
import type { PrivateServer } from '../mariadb/private-server.ts';
import { holdersOf, type ProcessIdentity } from '../mariadb/process-identity.ts';
import { awaitAnswer, proveUnused, stopServer } from '../mariadb/server-process.ts';
import { drain, drainSettings } from './drain.ts';
import { close, type Exchange, exchangeOf, moveAside, moveIn, reverse, startAndProve } from './exchange.ts';
import { giveGtidState, liveGtidState, stoppedGtidState } from './gtid-state.ts';
import { inodeOf, type SwapStep, writeJournal } from './journal.ts';
import { type KeptData, keptPath } from './kept-data.ts';
import type { RestoreInput } from './restore.ts';
import { ownershipOf, seal } from './seal.ts';
import { lastBackup } from './source.ts';
import type { Staging } from './staging.ts';

/** What tests turn: to look in at each step, and not to wait minutes for a server that was made to hang. */
export interface SwapControls {
  afterStep?: (step: SwapStep) => void | Promise<void>;
  stopTimeoutMs?: number;
  startTimeoutMs?: number;
  answerTimeoutMs?: number;
}

/** The new data, complete but for what only the stopped target can tell. */
export interface ProvenData {
  staging: Staging;
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
  input: RestoreInput,
  proven: ProvenData,
  job: JobContext,
  controls: SwapControls,
): Promise<Swapped> {
  const { stopTimeoutMs = 120_000, startTimeoutMs, afterStep } = controls;
  const { exchange, running } = await openExchange(input, proven, controls.answerTimeoutMs ?? 10_000);
  const { layout, journal } = exchange;
  const { server, staging } = proven;
  const warnings: string[] = [];
  let [stoppedAt, startedAt] = [0, 0];
  let kept: KeptData | undefined;

  const steps: [SwapStep, () => void | Promise<void>][] = [
    ['draining', () => drainTarget(exchange, running, input, job)],
    [
      'stopping',
      async () => {
        stoppedAt = performance.now();
        if (running !== undefined) await stopServer(running, layout.data, { timeoutMs: stopTimeoutMs });
        else if (existsSync(layout.data)) await proveUnused(layout.data);
      },
    ],
    [
      'sealing',
      async () => {
        const last = await stoppedGtidState(layout.data);
        journal.gtids = highestGtids(
          input.highestGtids,
          lastBackup(input.source).binlog?.gtid ?? '',
          journal.gtids,
          last,
        );
        await giveGtidState(server.connection, journal.gtids);
        await server.stop();
        await seal(staging.data, await ownershipOf(layout.data), proven.sealedAt);
      },
    ],
    ['aside', () => moveAside(exchange)],
    ['in', () => moveIn(exchange)],
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
      writeJournal(layout, journal);
      await work();
      await afterStep?.(name);
    }
  } catch (error) {
    await server.discard();
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
  input: RestoreInput,
  proven: ProvenData,
  answerTimeoutMs: number,
): Promise<{ exchange: Exchange; running: ProcessIdentity | undefined }> {
  const { home, target, restoreId } = input;
  const layout = managedLayout(home, target.id);
  const file = readServerFile(layout);
  const running = findServer(layout, file);
  if (existsSync(keptPath(layout, restoreId))) {
    throw new SkybackupError('conflict', `${keptPath(layout, restoreId)} exists: an earlier restore has this number.`, {
      hint: 'Move that folder away, then restore again.',
    });
  }
  if (running !== undefined) {
    const answer = await awaitAnswer(running, ownLogin(layout, file), { timeoutMs: answerTimeoutMs });
    if (answer !== 'answers' && answer !== 'denied') {
      throw new SkybackupError(
        'service_down',
        `The server of ${target.id} (process ${running.pid}) runs and does not answer, so it could not be stopped properly. Nothing was changed.`,
        { hint: `Read ${layout.log}; stop the server or wait until it answers, then restore again.` },
      );
    }
  }
  const stranger = holdersOf(layout.data).find((holder) => holder.pid !== running?.pid);
  if (stranger !== undefined) {
    throw new SkybackupError(
      'conflict',
      `Process ${stranger.pid} (${stranger.command}) has ${stranger.path} open, so the data cannot be exchanged. Nothing was changed.`,
      { hint: `End process ${stranger.pid}, then restore again.` },
    );
  }
  const exchange = exchangeOf(home, {
    format: 1,
    service_id: target.id,
    restore_id: restoreId,
    backup_id: lastBackup(input.source).id,
    users_from: lastBackup(input.source).service_id,
    step: 'draining',
    old_inode: inodeOf(layout.data),
    new_inode: inodeOf(proven.staging.data),
    old_incarnation: readMarker(layout.data)?.incarnation ?? target.incarnation,
    new_incarnation: input.newIncarnation,
    should_run: running !== undefined || file.wanted === 'running',
    was_running: running !== undefined,
    drained: {},
    gtids: '',
    keep_hours: input.keepHours ?? 72,
    begun_at: new Date().toISOString(),
  });
  return { exchange, running };
}

/** Last of all asks whether the swap may still happen: this job's lease, and a cancel. */
async function drainTarget(
  exchange: Exchange,
  running: ProcessIdentity | undefined,
  input: RestoreInput,
  job: JobContext,
): Promise<void> {
  const { layout, journal } = exchange;
  if (running !== undefined) {
    const connection = await connectWith(ownLogin(layout, readServerFile(layout))).catch((error: unknown) => {
      if (toSkybackupError(error).code === 'access_denied') return undefined;
      throw error;
    });
    // A target that refuses our login is stopped as it is: slower, and no less safe.
    if (connection !== undefined) {
      try {
        journal.drained = await drainSettings(connection);
        // Not the last word, since the target goes on writing; but all there is if its logs cannot be read later.
        journal.gtids = await liveGtidState(connection);
        writeJournal(layout, journal);
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
  const { layout, journal } = exchange;
  if (journal.step === 'closing') {
    return new SkybackupError('restore_failed', `The data were exchanged and proven, but this could not be recorded.`, {
      hint: `Restart the daemon: it finishes the restore from ${layout.journal}.`,
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
