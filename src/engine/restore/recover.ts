import { existsSync } from 'node:fs';
import { toSkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { endTagged } from '../mariadb/tagged-processes.ts';
import { placeOf, type RestoreTarget } from './data-place.ts';
import { close, exchangeOf, reverse, startAndProve } from './exchange.ts';
import { closeJournal, type Journal, readJournal } from './journal.ts';
import { type KeptData, removeCondemned } from './kept-data.ts';
import { forgetMoves, moveIn, placeOfData } from './move-data.ts';
import { leftStagings, removeStaging } from './staging.ts';
import { forgetNote } from './swap-notes.ts';

export interface RecoveredRestore {
  restoreId?: number;
  /** `finished`: the target has the restored data. `reversed`: its old ones. `cleaned`: only remains were removed. */
  outcome: 'finished' | 'reversed' | 'cleaned' | 'nothing';
  newIncarnation?: string;
  /** The GTID state that it began with. */
  gtids?: string;
  /** Of a finished one: as in the outcome of the restore. */
  kept?: KeptData;
  detail: string;
}

/** A hanging old server is given this long to go down before it is left to a person. */
const settleTimeoutMs = 300_000;

/**
 * Settles what a killed restore of this service left: an open exchange is finished if its data had begun to move, else
 * reversed; private servers, sockets and staging folders are removed. Needs no state store. Throws when it cannot tell
 * where the data are; then nothing was moved.
 */
export async function recoverRestore(home: Home, target: RestoreTarget): Promise<RecoveredRestore> {
  const place = placeOf(home, target);
  if (!existsSync(place.beside)) {
    forgetNote(home, target);
    return { outcome: 'nothing', detail: '' };
  }
  const stagings = leftStagings(place);
  // First of all: a private server or an unpacking tool that still runs would write into what is moved now.
  for (const staging of stagings) await endTagged(staging.root);
  const journal = readJournal(place);
  const settled = journal === undefined ? undefined : await settle(home, target, journal);
  // Settled or never begun: what a kill left of the journal nobody else would remove.
  closeJournal(place);
  forgetMoves(place);
  for (const staging of stagings) await removeStaging(staging);
  await removeCondemned(place);
  forgetNote(home, target);
  if (settled !== undefined) return settled;
  return stagings.length === 0
    ? { outcome: 'nothing', detail: '' }
    : {
        outcome: 'cleaned',
        detail: 'What an interrupted restore had unpacked was removed; the data in use were not touched.',
      };
}

async function settle(home: Home, target: RestoreTarget, journal: Journal): Promise<RecoveredRestore> {
  const exchange = exchangeOf(home, target, journal);
  const place = placeOfData(exchange.move);
  const restoreId = journal.restore_id;
  if ((place !== 'between' && place !== 'new') || journal.reversing) {
    const { reversing } = journal;
    await reverse(exchange, settleTimeoutMs);
    return {
      restoreId,
      outcome: 'reversed',
      detail: reversing
        ? 'The exchange of the data was being taken back, and that was finished.'
        : 'The exchange of the data had not begun, so the old data stayed.',
    };
  }
  let remark = '';
  try {
    // The new data were complete and proven before the first rename: what is left is to put them in place and start.
    if (place === 'between') moveIn(exchange.move, journal.gtids);
    await startAndProve(exchange);
  } catch (error) {
    const { message } = toSkybackupError(error);
    // Once proven it is the service's own data, perhaps with new rows: a server that is down now is no reason to lose them.
    if (journal.step !== 'closing') {
      await reverse(exchange, settleTimeoutMs);
      return { restoreId, outcome: 'reversed', detail: `The restored data were taken back: ${message}` };
    }
    remark = ` The server does not run now: ${message}`;
  }
  const kept = await close(exchange, new Date());
  const { new_incarnation: newIncarnation } = journal;
  const detail = `The exchange of the data was finished.${remark}`;
  return { restoreId, outcome: 'finished', newIncarnation, gtids: journal.gtids, kept, detail };
}
