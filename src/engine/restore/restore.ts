import { existsSync, lstatSync } from 'node:fs';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import type { JobContext } from '../job-context.ts';
import { readClientPassword } from '../managed/account.ts';
import { writeMarker } from '../managed/data-marker.ts';
import { type ManagedLayout, managedLayout } from '../managed/layout.ts';
import { readServerFile } from '../managed/server-file.ts';
import type { PrivateServer } from '../mariadb/private-server.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import type { Repository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';
import { buildData } from './build-data.ts';
import { carryOver, filesToCarryOver } from './carry-over.ts';
import { keepOwnAccount } from './own-account.ts';
import { checkRestorable } from './restorable.ts';
import { ownershipOf, seal } from './seal.ts';
import { lastBackup, type RestoreSource } from './source.ts';
import { checkSpace, meansNoSpace, restoreSpace, spaceRanOut } from './space.ts';
import { removeStaging, type Staging, stagingOf } from './staging.ts';
import { type SwapControls, type Swapped, swap } from './swap.ts';
import { removeBackupFiles } from './unpacked-files.ts';

export interface RestoreInput {
  restoreId: number;
  /** Its data are replaced. */
  target: ServiceRecord;
  source: RestoreSource;
  repository: Repository;
  home: Home;
  newIncarnation: string;
  /** Highest sequence per domain and server ever seen for the target, '' if none; its live state is added here. */
  highestGtids: string;
  /** Asked right before the target is stopped; throws to forbid it. */
  beforeSwap: () => void | Promise<void>;
  /** How long the old data stay. Default 72. */
  keepHours?: number;
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
  const layout = managedLayout(input.home, input.target.id);
  try {
    job.phase('checking');
    await check(input, layout, job, controls);
    return await buildAndSwap(input, layout, job, controls);
  } catch (error) {
    throw explain(error, input, job);
  }
}

async function check(
  input: RestoreInput,
  layout: ManagedLayout,
  job: JobContext,
  controls: RestoreControls,
): Promise<void> {
  const { home, target, source } = input;
  await checkRestorable(source, target, job.signal);
  if (existsSync(layout.journal)) {
    throw new SkybackupError('conflict', `An earlier restore of ${target.id} has not been finished or reversed yet.`, {
      hint: 'Restart the daemon: it settles what was begun. Then restore again.',
    });
  }
  checkRenames(layout);
  const measured = restoreSpace(home, source, target);
  checkSpace(controls.freeBytes === undefined ? measured : { ...measured, free: controls.freeBytes });
}

/** A mount point or a link cannot be exchanged by a rename: better said now than with the target stopped. */
function checkRenames(layout: ManagedLayout): void {
  const data = lstatSync(layout.data, { throwIfNoEntry: false });
  if (data === undefined || (data.isDirectory() && data.dev === lstatSync(layout.root).dev)) return;
  throw new SkybackupError(
    'unsupported_layout',
    `${layout.data} is a link or a mount point, so it cannot be exchanged.`,
    {
      hint: `Stop the service, move its files into a plain directory ${layout.data}, start it, then restore again.`,
    },
  );
}

async function buildAndSwap(
  input: RestoreInput,
  layout: ManagedLayout,
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
  const staging = stagingOf(layout, input.restoreId);
  try {
    const swapped = await build(input, layout, staging, told, controls);
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
    if (!existsSync(layout.journal)) await removeStaging(staging);
  }
}

async function build(
  input: RestoreInput,
  layout: ManagedLayout,
  staging: Staging,
  job: JobContext,
  controls: RestoreControls,
): Promise<Swapped> {
  const server = await buildData(input.source, input.repository, staging, readServerFile(layout).server_id, job);
  try {
    const sealedAt = await finish(input, layout, staging, server, job);
    job.phase('swapping', 'Exchanging the data directories.');
    const swapped = await swap(input, { staging, server, sealedAt }, job, controls);
    for (const warning of swapped.warnings) job.warn(warning);
    return swapped;
  } finally {
    await server.discard();
  }
}

/** Everything that can be done before the target stops: its account, its own files, the marker, durable bytes. */
async function finish(
  input: RestoreInput,
  layout: ManagedLayout,
  staging: Staging,
  server: PrivateServer,
  job: JobContext,
): Promise<number> {
  const password = readClientPassword(layout.clientFile);
  if (password !== undefined) await keepOwnAccount(server.connection, password);
  removeBackupFiles(staging);
  if (existsSync(layout.data)) {
    const { carried, left } = await filesToCarryOver(layout.data);
    await carryOver(layout.data, staging.data, carried);
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
  await seal(staging.data, await ownershipOf(layout.data));
  return sealedAt;
}

/** One of our errors, whatever was thrown: a full disk by its figures, a cancel as one. */
function explain(error: unknown, input: RestoreInput, job: JobContext): unknown {
  if (error instanceof SkybackupError && error.code !== 'restore_failed') return error;
  if (meansNoSpace(error)) return spaceRanOut(restoreSpace(input.home, input.source, input.target), error);
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
