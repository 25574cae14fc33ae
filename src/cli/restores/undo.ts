import { SkybackupError } from '../../contract/errors.ts';
import { planInWords } from '../../mcp/guard/plan-words.ts';
import { carriedOut } from '../carried-out.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { typeId } from '../typed-id.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface TypedOptions {
  /** The service's id as the person typed it, where no terminal can ask for it. */
  confirm?: string;
}

/** Puts the data of before a restore back, once a person saw what that takes away and typed the service's id. */
export function undoRestore(terminal: Terminal, id: string, { confirm }: TypedOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const daemon = daemonOf(api, 'Undoing a restore');
    const restore = numberOf(id);
    const plan = await daemon.createPlan({ operation: 'undo_restore', arguments: { id: restore } });
    terminal.note([...planInWords(plan).split('\n'), '']);
    if (plan.status === 'pending') {
      const typed_id = await typeId(plan.facts.confirm_id, confirm);
      await daemon.approvePlan(plan.id, { channel: 'terminal', typed_id });
    }
    const undo = await daemon.undoRestore(restore, { planId: plan.id });
    await carriedOut(terminal, api, undo.job_id, 'restore_failed');
    const done = await api.getRestore(undo.id);
    const warnings = (done.warnings ?? []).map((warning) => `Warning: ${warning}`);
    const back = `To go back again: skybackup restores undo ${done.id}`;
    terminal.result({ restore: done }, [...warnings, done.message ?? `Restore ${restore} is undone.`, back]);
    return exitCodes.done;
  });
}

/** Deletes the data of before a restore ahead of their time, once the service's id was typed. */
export function discardKept(terminal: Terminal, id: string, { confirm }: TypedOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const daemon = daemonOf(api, 'Keeping data of before a restore');
    const restore = numberOf(id);
    const kept = (await daemon.listKeptCopies()).find(({ restore_id }) => restore_id === restore);
    if (kept === undefined)
      throw new SkybackupError('nothing_to_undo', `No data of before restore ${restore} are kept.`);
    terminal.note([
      `The data that service ${kept.service_id} had before restore ${restore} will be deleted: ${kept.path}`,
      'The restore can then no longer be undone.',
    ]);
    await daemon.removeKeptCopy(restore, await typeId(kept.service_id, confirm));
    terminal.result({ restore, discarded: true }, `The data of before restore ${restore} are deleted.`);
    return exitCodes.done;
  });
}

function numberOf(id: string): number {
  if (/^[1-9]\d{0,14}$/.test(id)) return Number(id);
  throw new UsageError(`"${id}" is no number of a restore.`, 'See: skybackup restores list');
}
