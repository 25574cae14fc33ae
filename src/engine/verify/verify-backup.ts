import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import type { DrillChecks } from '../../contract/verifications.ts';
import { errorLines, logLinesSince, sayErrors } from '../mariadb/server-log.ts';
import type { MeasuredJob } from '../rates/measured-phases.ts';
import type { Repository } from '../repository/repository.ts';
import { buildData } from '../restore/build-data.ts';
import { checkReadable } from '../restore/restorable.ts';
import { lastBackup, type RestoreSource } from '../restore/source.ts';
import { meansNoSpace, type RestoreSpace, restoreSpace } from '../restore/space.ts';
import { removeStaging, type Staging, stagingAt } from '../restore/staging.ts';
import type { RowCount } from '../store/verifications-table.ts';
import { askQueries } from './ask-queries.ts';
import { checkTables } from './check-tables.ts';
import { countRows } from './count-rows.ts';
import { readWhole } from './read-whole.ts';

export interface VerifyInput {
  verificationId: number;
  source: RestoreSource;
  checks: DrillChecks;
  repository: Repository;
  home: Home;
}

export interface Verified {
  /** From nothing to a server that has proven its data; undefined where none was started. */
  recoveryMs: number | undefined;
  rowCounts: RowCount[] | undefined;
}

export interface VerifyControls {
  /** Free bytes instead of the disk's own. */
  freeBytes?: number;
}

/**
 * Proves a backup: its stored bytes alone (`quick`), or made into data in a folder of the daemon's own, with a private server
 * on them. No registered server is touched, and nothing is left. Throws `backup_damaged`, `proof_failed`, `no_space`,
 * `unsupported`, `version_mismatch`, `identity_missing`, `cancelled`.
 */
export async function verifyBackup(
  input: VerifyInput,
  job: MeasuredJob,
  controls: VerifyControls = {},
): Promise<Verified> {
  const { source, checks, repository, home, verificationId } = input;
  try {
    job.phase('checking');
    if (checks.quick) {
      await readWhole(source.backups, repository, job);
      return { recoveryMs: undefined, rowCounts: undefined };
    }
    await checkReadable(source, repository, job.signal);
    mkdirSync(home.verifications, { recursive: true, mode: 0o700 });
    const space = restoreSpace(source, { beside: home.verifications });
    checkRoom({ ...space, free: controls.freeBytes ?? space.free });
    const staging = stagingAt(join(home.verifications, String(verificationId)));
    try {
      return await proveData(input, staging, job);
    } finally {
      await removeStaging(staging);
    }
  } catch (error) {
    throw explain(error, input, job);
  }
}

async function proveData(
  { source, repository, checks }: VerifyInput,
  staging: Staging,
  job: MeasuredJob,
): Promise<Verified> {
  const manifest = lastBackup(source);
  const server = await buildData(source, repository, staging, manifest.server.server_id, job);
  try {
    const recoveryMs = job.elapsedMs();
    if (checks.check_table) await checkTables(server.connection, job);
    const rowCounts = checks.row_counts ? await countRows(manifest, server.connection, job) : undefined;
    if (checks.queries !== undefined) await askQueries(checks.queries, server.connection, staging.socket, job);
    // Tables that the server finds broken while they are read it only tells of in its log.
    const lines = logLinesSince(staging.log, 0);
    if (errorLines(lines).length > 0) {
      throw new SkybackupError('proof_failed', `The private server on the data said ${sayErrors(lines)}.`);
    }
    return { recoveryMs, rowCounts };
  } finally {
    await server.discard();
  }
}

function checkRoom(space: RestoreSpace): void {
  if (space.needed <= space.free) return;
  throw noRoom(
    `The proof needs ${inMebibytes(space.needed)}, and ${space.place} has ${inMebibytes(space.free)} free.`,
    space,
  );
}

function noRoom(message: string, { needed, free, place }: RestoreSpace, cause?: unknown): SkybackupError {
  return new SkybackupError('no_space', message, {
    hint: `Free at least ${inMebibytes(Math.max(needed - free, 1024 * 1024))} in ${place}, or verify with "quick", which needs none.`,
    details: { needed, free, place },
    cause,
  });
}

function explain(error: unknown, { source, home }: VerifyInput, job: MeasuredJob): unknown {
  if (error instanceof SkybackupError && error.code !== 'restore_failed') return error;
  if (meansNoSpace(error)) {
    const space = restoreSpace(source, { beside: home.verifications });
    return noRoom(`The disk of ${space.place} filled up: the proof needs ${inMebibytes(space.needed)}.`, space, error);
  }
  if (job.signal.aborted) {
    return new SkybackupError('cancelled', 'The verification was cancelled. Nothing of it is left.', { cause: error });
  }
  const known = toSkybackupError(error);
  if (known.code === 'restore_failed') return new SkybackupError('proof_failed', known.message, { cause: error });
  if (known.code !== 'internal' || !(error instanceof Error)) return known;
  return new SkybackupError('proof_failed', `The backup could not be proven: ${error.message}`, { cause: error });
}

function inMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}
