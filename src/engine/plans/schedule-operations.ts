import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { parseRequest } from '../../contract/parse-request.ts';
import { SchedulePatch } from '../../contract/schedules.ts';
import { weakened } from '../../plans/schedule-effect.ts';
import type { EngineContext } from '../engine-context.ts';
import { scheduleView } from '../schedule/schedule-view.ts';
import type { ScheduleRow } from '../store/schedules-table.ts';
import type { Operation } from './operations.ts';
import { scheduleDigest } from './target-digest.ts';

const ScheduleId = z.strictObject({ id: z.int().min(1) });
const ScheduleUpdate = SchedulePatch.extend({ id: z.int().min(1) });

/** The schedule of that id. Throws `not_found`. */
export function findSchedule(context: EngineContext, id: number): ScheduleRow {
  const row = context.state.schedules.get(id);
  if (row === undefined) throw new SkybackupError('not_found', `There is no schedule ${id}.`);
  return row;
}

export const deleteScheduleOperation: Operation = {
  normalise(context, input) {
    const { id } = parseRequest(ScheduleId, input, 'arguments');
    findSchedule(context, id);
    return { id };
  },
  async describe(context, args) {
    const row = findSchedule(context, parseRequest(ScheduleId, args, 'arguments').id);
    const name = nameOf(row);
    return {
      digest: digestOfRow(context, row),
      facts: {
        title: `Delete ${name} of service ${row.service_id}`,
        service_id: row.service_id,
        confirm_id: String(row.id),
        replaced: name,
        lost: [
          `No backup of ${row.service_id} is ${row.type === 'drill' ? 'proven' : 'taken'} by this schedule any more.`,
          ...lastProtector(context, row),
        ],
        warnings: [],
        undo: `Create the schedule again: type ${row.type}, "${row.schedule}". Backups it made stay.`,
      },
    };
  },
};

export const updateScheduleOperation: Operation = {
  normalise(context, input) {
    const args = parseRequest(ScheduleUpdate, input, 'arguments');
    findSchedule(context, args.id);
    return args;
  },
  async describe(context, args) {
    const { id, ...patch } = parseRequest(ScheduleUpdate, args, 'arguments');
    const row = findSchedule(context, id);
    const changes = Object.entries(patch).map(([field, value]) => `${field} = ${String(value)}`);
    return {
      digest: digestOfRow(context, row),
      facts: {
        title: `Change ${nameOf(row)} of service ${row.service_id}`,
        service_id: row.service_id,
        confirm_id: String(row.id),
        replaced: nameOf(row),
        replaced_by: changes.join(', '),
        lost: weakened(scheduleView(context, row), patch, new Date(context.clock.now())),
        warnings: patch.suspended === true ? lastProtector(context, row) : [],
        undo: `Change it back: type ${row.type}, "${row.schedule}"${row.suspended ? '' : ', not suspended'}.`,
      },
    };
  },
};

function nameOf(row: ScheduleRow): string {
  return `schedule ${row.id} (${row.type}, ${row.schedule === 'once' ? 'once' : `"${row.schedule}"`})`;
}

function digestOfRow(context: EngineContext, row: ScheduleRow): string {
  return scheduleDigest(row, context.state.services.get(row.service_id)?.incarnation);
}

function lastProtector(context: EngineContext, row: ScheduleRow): string[] {
  const others = context.state.schedules
    .repeated()
    .filter((other) => other.service_id === row.service_id && other.id !== row.id && other.type !== 'drill');
  return others.length === 0 && row.schedule !== 'once' && row.type !== 'drill'
    ? [`It is the last repeated backup of ${row.service_id}: after this none is taken by itself.`]
    : [];
}
