import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import { type DataMarker, markerName, readMarker, writeMarker } from '../managed/data-marker.ts';
import { type PrivateServer, startPrivateServer } from '../mariadb/private-server.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import { indexByName } from './binary-logs.ts';
import { type DataPlace, placeOf } from './data-place.ts';
import type { KeptData } from './kept-data.ts';
import { proveReadable } from './prove.ts';
import type { RestoreControls, RestoreOutcome } from './restore.ts';
import { ownershipOf, seal } from './seal.ts';
import { makeStaging, removeStaging, type Staging, stagingOf } from './staging.ts';
import { type SwapInput, swap } from './swap.ts';
import { targetServer } from './target-server.ts';

export interface UndoInput extends SwapInput {
  /** What is put back. */
  kept: KeptData;
}

/**
 * Puts the data of before a restore back in place: proven on a private server where they lie, then exchanged as any
 * restored data are; those they replace are kept in turn. A failure or a cancel leaves the target as it is and the kept data
 * where they are. Throws `restore_failed`, `conflict`, `cancelled`.
 */
export async function undoRestore(
  input: UndoInput,
  job: JobContext,
  controls: RestoreControls = {},
): Promise<RestoreOutcome> {
  const place = placeOf(input.home, input.target);
  const warnings: string[] = [];
  const told: JobContext = {
    signal: job.signal,
    phase: (name, message) => job.phase(name, message),
    progress: (bytes, total) => job.progress(bytes, total),
    warn: (message) => {
      warnings.push(message);
      job.warn(message);
    },
  };
  job.phase('checking');
  if (existsSync(place.journal)) {
    throw new SkybackupError('conflict', `An earlier restore of ${input.target.id} is not finished or reversed yet.`, {
      hint: 'Restart the daemon: it settles what was begun. Then undo again.',
    });
  }
  const staging = stagingOf(place, input.restoreId);
  const before = readMarker(input.kept.path);
  try {
    const swapped = await proveAndSwap(input, place, staging, before, told, controls);
    for (const warning of swapped.warnings) told.warn(warning);
    return {
      downtime_ms: swapped.downtimeMs,
      kept_data: swapped.kept.path,
      kept_until: swapped.kept.kept_until,
      warnings,
      users_from: input.target.id,
      service_running: swapped.running,
      highest_gtids: swapped.gtids,
    };
  } catch (error) {
    if (!existsSync(place.journal)) putMarkerBack(input.kept.path, before);
    throw explain(error, job);
  } finally {
    if (!existsSync(place.journal)) await removeStaging(staging);
  }
}

async function proveAndSwap(
  input: UndoInput,
  place: DataPlace,
  staging: Staging,
  before: DataMarker | undefined,
  job: JobContext,
  controls: RestoreControls,
): Promise<Awaited<ReturnType<typeof swap>>> {
  const { kept, target, home } = input;
  const running = targetServer(home, target, (message) => job.warn(message));
  const { serverId = 1, variables, logBin } = await running.look(job.signal);
  await makeStaging(staging);
  job.phase('proving', 'Opening every table of the kept data on a private server.');
  // Data that skybackup did not make open with what their server opens its present ones with.
  const options = before?.options ?? variables;
  const logName = dirname(logBin) === place.data ? basename(logBin) : undefined;
  if (logName !== undefined) indexByName(join(kept.path, logName));
  const server = await startPrivateServer({ ...staging, data: kept.path, options, serverId, logName }, job.signal);
  try {
    await proveReadable(staging.log, server.connection, job);
    for (const warning of await running.keepLogin(server.connection)) job.warn(warning);
    writeMarker(kept.path, {
      ...before,
      format: 1,
      service_id: target.id,
      incarnation: input.newIncarnation,
      created_at: new Date().toISOString(),
      options: fileOptions(options),
      restore_id: input.restoreId,
    });
    job.signal.throwIfAborted();
    // A second of margin: file times are coarser than the clock.
    const sealedAt = Date.now() - 1000;
    await seal(kept.path, await ownershipOf(place.data, controls.selinux));
    job.phase('swapping', 'Exchanging the data directories.');
    const gentle: PrivateServer = { ...server, discard: () => end(server) };
    return await swap(input, { data: kept.path, server: gentle, sealedAt }, job, controls);
  } finally {
    // Kept data stay of use: their server is let go down by itself.
    await end(server);
  }
}

async function end(server: PrivateServer): Promise<void> {
  try {
    await server.stop();
  } catch {
    await server.discard();
  }
}

function putMarkerBack(data: string, marker: DataMarker | undefined): void {
  if (!existsSync(data)) return;
  if (marker === undefined) rmSync(join(data, markerName), { force: true });
  else writeMarker(data, marker);
}

function explain(error: unknown, job: JobContext): unknown {
  if (error instanceof SkybackupError) return error;
  if (job.signal.aborted) {
    return new SkybackupError('cancelled', 'The undo was cancelled. The service is as it was before.', {
      cause: error,
    });
  }
  const known = toSkybackupError(error);
  if (known.code !== 'internal' || !(error instanceof Error)) return known;
  return new SkybackupError('restore_failed', `The undo failed: ${error.message}`, { cause: error });
}
