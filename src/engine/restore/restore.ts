import { existsSync } from 'node:fs';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import { writeMarker } from '../managed/data-marker.ts';
import { highestGtids } from '../mariadb/gtid.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import type { Repository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';
import { removeEmpty } from './beside.ts';
import { buildData } from './build-data.ts';
import { carryOver, filesToCarryOver } from './carry-over.ts';
import { type DataPlace, placeOf } from './data-place.ts';
import { refuseMounts } from './mounts.ts';
import { checkRestorable, compareOptions, compareServers } from './restorable.ts';
import { ownershipOf, seal } from './seal.ts';
import { isDump, lastBackup, positionOf, type RestoreSource } from './source.ts';
import { checkSpace, meansNoSpace, restoreSpace, spaceRanOut, spaceWarning } from './space.ts';
import { removeStaging, type Staging, stagingOf } from './staging.ts';
import { type SwapControls, type SwapInput, type Swapped, swap } from './swap.ts';
import { forgetNote, noteTarget } from './swap-notes.ts';
import { targetServer } from './target-server.ts';
import { removeBackupFiles } from './unpacked-files.ts';

export interface RestoreInput extends SwapInput {
  target: ServiceRecord;
  source: RestoreSource;
  repository: Repository;
  /** Whether the account that skybackup logs in with stays what it is on the target. Default true. */
  keepAccount?: boolean;
}

export interface RestoreOutcome {
  downtime_ms: number;
  /** Where the data of before lie; empty when there were none. */
  kept_data: string;
  kept_until: string;
  warnings: string[];
  /** The service whose accounts the target now has. */
  users_from: string;
  service_running: boolean;
  /** The GTID state the restored server began with: no id at or below it is issued again. */
  highest_gtids: string;
}

export interface RestoreControls extends SwapControls {
  /** Free bytes instead of the disk's own. */
  freeBytes?: number;
}

/**
 * Restores a full backup onto a managed service: materialise and prove beside the running target, then swap. Any failure
 * or cancel leaves the target with its old data, running if it was. Throws `unsupported`, `version_mismatch`, `no_space`,
 * `backup_damaged`, `restore_failed`, `cancelled`.
 */
export async function restoreBackup(
  input: RestoreInput,
  job: JobContext,
  controls: RestoreControls = {},
): Promise<RestoreOutcome> {
  const place = placeOf(input.home, input.target);
  try {
    job.phase('checking');
    await check(input, place, job, controls);
    return await buildAndSwap(input, place, job, controls);
  } catch (error) {
    throw explain(error, input, place, job);
  }
}

async function check(input: RestoreInput, place: DataPlace, job: JobContext, controls: RestoreControls): Promise<void> {
  const { target, source, repository } = input;
  await checkRestorable(source, repository, target, job.signal);
  if (existsSync(place.journal)) {
    throw new SkybackupError('conflict', `An earlier restore of ${target.id} has not been finished or reversed yet.`, {
      hint: 'Restart the daemon: it settles what was begun. Then restore again.',
    });
  }
  refuseMounts(place);
  const { version, variables } = await targetServer(input.home, target).look(job.signal);
  if (version !== undefined && !isDump(source)) compareServers(lastBackup(source), version, target.id);
  compareOptions(lastBackup(source), variables, target.id);
  const measured = restoreSpace(source, place);
  const space = controls.freeBytes === undefined ? measured : { ...measured, free: controls.freeBytes };
  checkSpace(space);
  const tight = spaceWarning(space);
  if (tight !== undefined) job.warn(tight);
}

async function buildAndSwap(
  input: RestoreInput,
  place: DataPlace,
  job: JobContext,
  controls: RestoreControls,
): Promise<RestoreOutcome> {
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
  const staging = stagingOf(place, input.restoreId);
  try {
    const swapped = await build(input, place, staging, told, controls);
    return {
      downtime_ms: swapped.downtimeMs,
      kept_data: swapped.kept.path,
      kept_until: swapped.kept.kept_until,
      warnings,
      users_from: lastBackup(input.source).service_id,
      service_running: swapped.running,
      highest_gtids: swapped.gtids,
    };
  } finally {
    // In the end only the data in use and the kept ones are there; but with the journal open, it says what is what.
    if (!existsSync(place.journal)) {
      await removeStaging(staging);
      removeEmpty(place);
      forgetNote(input.home, input.target);
    }
  }
}

async function build(
  input: RestoreInput,
  place: DataPlace,
  staging: Staging,
  job: JobContext,
  controls: RestoreControls,
): Promise<Swapped> {
  const target = targetServer(input.home, input.target, (message) => job.warn(message));
  const { serverId = lastBackup(input.source).server.server_id } = await target.look(job.signal);
  noteTarget(input.home, input.target);
  const server = await buildData(input.source, input.repository, staging, serverId, job);
  try {
    if (input.keepAccount !== false) {
      for (const warning of await target.keepLogin(server.connection)) job.warn(warning);
    }
    const sealedAt = await finish(input, place, staging, job, controls);
    job.phase('swapping', 'Exchanging the data directories.');
    const reached = positionOf(input.source);
    const swapped = await swap(
      { ...input, highestGtids: highestGtids(input.highestGtids, reached) },
      { data: staging.data, server, sealedAt },
      job,
      controls,
    );
    for (const warning of swapped.warnings) job.warn(warning);
    return swapped;
  } finally {
    await server.discard();
  }
}

/** Everything that can be done before the target stops: its own files, the marker, durable bytes. */
async function finish(
  input: RestoreInput,
  place: DataPlace,
  staging: Staging,
  job: JobContext,
  controls: RestoreControls,
): Promise<number> {
  removeBackupFiles(staging);
  if (existsSync(place.data)) {
    const { carried, left } = await filesToCarryOver(place.data);
    await carryOver(place.data, staging.data, carried);
    if (left.length > 0) job.warn(`Large files of the old data directory were not copied over: ${left.join(', ')}.`);
  }
  writeMarker(staging.data, {
    format: 1,
    service_id: input.target.id,
    incarnation: input.newIncarnation,
    created_at: new Date().toISOString(),
    options: fileOptions(lastBackup(input.source).server.options),
    restore_id: input.restoreId,
    backup_id: lastBackup(input.source).id,
  });
  job.signal.throwIfAborted();
  // A second of margin: file times are coarser than the clock.
  const sealedAt = Date.now() - 1000;
  await seal(staging.data, await ownershipOf(place.data, controls.selinux));
  return sealedAt;
}

/** One of our errors, whatever was thrown: a full disk by its figures, a cancel as one. */
function explain(error: unknown, input: RestoreInput, place: DataPlace, job: JobContext): unknown {
  if (error instanceof SkybackupError && error.code !== 'restore_failed') return error;
  if (meansNoSpace(error)) return spaceRanOut(restoreSpace(input.source, place), error);
  if (error instanceof SkybackupError) return error;
  if (job.signal.aborted) {
    return new SkybackupError('cancelled', 'The restore was cancelled. The target is as it was before.', {
      cause: error,
    });
  }
  const known = toSkybackupError(error);
  if (known.code !== 'internal' || !(error instanceof Error)) return known;
  return new SkybackupError('restore_failed', `The restore failed: ${error.message}`, { cause: error });
}
