import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { removeDurably, writeDurably } from '../managed/durable-file.ts';
import { type DataPlace, movedBy } from './data-place.ts';

/** The steps of a swap in their order; the journal names the one that was begun last. */
export const swapSteps = ['draining', 'stopping', 'sealing', 'aside', 'in', 'starting', 'closing'] as const;
export type SwapStep = (typeof swapSteps)[number];

/**
 * Beside the data while they are exchanged, written before each step: enough to finish or reverse the exchange without the
 * state store. Data are known by inodes, since it is their names that change.
 */
const Journal = z.strictObject({
  format: z.literal(1),
  service_id: z.string(),
  restore_id: z.number().int(),
  step: z.enum(swapSteps),
  /** Where the new data were made ready: a staging folder, or data that were kept. */
  fresh: z.string(),
  /** Whether the data directory is renamed, or its entries are. */
  by: z.enum(movedBy).default('directory'),
  /** Empty when the target had no data left. */
  old_inode: z.string(),
  new_inode: z.string(),
  old_incarnation: z.string(),
  new_incarnation: z.string(),
  /** Whether the server is to run afterwards. */
  should_run: z.boolean(),
  /** The process that has to be stopped, if there was one. */
  running: z.strictObject({ pid: z.number().int(), start_time: z.string() }).nullable(),
  /** Path of the target's binary logs without their numbers; empty when it keeps none. */
  log_bin: z.string(),
  /** It is being taken back: whoever finds it goes on with that. */
  reversing: z.boolean(),
  /** Settings of the running target that were changed for a quick stop, as they were. */
  drained: z.record(z.string(), z.string()),
  /** What the restored server's GTID state must contain; known once the target has stopped. */
  gtids: z.string(),
  keep_hours: z.number(),
  begun_at: z.string(),
});
export type Journal = z.infer<typeof Journal>;

export function writeJournal(place: DataPlace, journal: Journal): void {
  writeDurably(place.journal, `${JSON.stringify(journal, undefined, 2)}\n`);
}

export function closeJournal(place: DataPlace): void {
  removeDurably(place.journal);
}

/** The open journal, if there is one. Throws `restore_failed` when it cannot be read: then nothing may be guessed. */
export function readJournal(place: DataPlace): Journal | undefined {
  if (!existsSync(place.journal)) return undefined;
  try {
    return Journal.parse(JSON.parse(readOwn(place.journal)));
  } catch (error) {
    throw new SkybackupError(
      'restore_failed',
      `The journal ${place.journal} of an interrupted restore cannot be read.`,
      {
        hint: `Look at ${place.data} and at "data.before-restore-…" in ${place.beside}. Put the right one in place as ${place.data}, remove the journal, and start the service.`,
        cause: error,
      },
    );
  }
}

/** Of nobody else: what it says is moved, as root. */
function readOwn(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { uid } = fstatSync(file);
    if (uid !== process.getuid?.()) throw new Error(`${path} belongs to user id ${uid}`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
