import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import type { ToolAnswer } from '../answer.ts';
import { defineTool } from '../define-tool.ts';
import { readZone } from '../find/zone.ts';
import { cronForm } from '../schedule/words.ts';
import { timeInWords } from '../sizes-and-times.ts';

const shown = 5;

export const previewSchedule = defineTool({
  name: 'preview_schedule',
  operation: 'read',
  title: 'Tell when a schedule would run',
  description:
    'Says a cron in words with its next runs, in UTC and in a time zone, and what daylight saving does to them; with `local`, which cron in UTC gives a wanted local time. Changes nothing: use it before create_schedule and update_schedule.',
  input: z.strictObject({
    cron: z.string().max(200).describe(cronForm),
    zone: z.string().max(60).optional().describe('"Europe/Berlin"'),
    local: z.boolean().optional().describe('cron is in zone, not UTC'),
  }),
  output: { cron: 'string', in_words: 'string', next_runs: 'array' },
  async run({ cron: given, zone: named, local = false }, { now }) {
    const { checkCron } = await import('../../contract/cron.ts');
    const cron = checkCron(given);
    const zone = named === undefined ? undefined : readZone('zone', named);
    if (!local) return preview(cron, zone, now.getTime());
    if (zone !== undefined) return converted(cron, zone, now.getTime());
    throw new SkybackupError('invalid_request', 'A local time needs its zone.', {
      hint: 'Ask the person where they are, then give zone, "Europe/Berlin" say.',
    });
  },
});

async function preview(cron: string, zone: string | undefined, now: number): Promise<ToolAnswer> {
  const [{ nextRuns }, { wordsOf }, { drift, localTime }] = await Promise.all([
    import('../../contract/cron.ts'),
    import('../schedule/words.ts'),
    import('../schedule/daylight-saving.ts'),
  ]);
  const words = await wordsOf(cron);
  const runs = nextRuns(cron, new Date(now), shown).map((run) => ({
    utc: timeInWords(run.toISOString()) ?? '',
    local: zone === undefined ? undefined : localTime(run.getTime(), zone),
  }));
  const first = nextRuns(cron, new Date(now), 1)[0]?.getTime() ?? now;
  const change = zone === undefined ? undefined : drift(first, zone, now);
  return {
    text: [
      `"${cron}" runs ${words.charAt(0).toLowerCase()}${words.slice(1)} (UTC).`,
      'Next runs:',
      ...runs.map(({ utc, local }) => `- ${utc}${local === undefined ? '' : ` = ${local} in ${zone}`}`),
      change,
    ],
    data: { cron, in_words: `${words} (UTC)`, zone, next_runs: runs, daylight_saving: change },
    next:
      zone === undefined
        ? 'Ask the person for their time zone and call again with it: the cron is in UTC.'
        : 'Show the person the local times, then call create_schedule or update_schedule with this cron.',
  };
}

/** Which cron in UTC keeps the local times of one, now and after each change of the clocks. */
async function converted(cron: string, zone: string, now: number): Promise<ToolAnswer> {
  const [{ cronInUtc }, { clockChanges, localDate }, { wordsOf }, { offsetAt }] = await Promise.all([
    import('../schedule/local-cron.ts'),
    import('../schedule/daylight-saving.ts'),
    import('../schedule/words.ts'),
    import('../find/zone.ts'),
  ]);
  const words = await wordsOf(cron);
  const [change] = clockChanges(zone, now);
  const before = await cronInUtc(cron, offsetAt(now, zone), now);
  const after = change === undefined ? before : await cronInUtc(cron, change.after, now);
  if (before === undefined) {
    throw new SkybackupError('unsupported', `No single cron in UTC runs ${words} by the clocks of ${zone}.`, {
      hint: 'There another day or month begins. Choose another hour with the person, or make several schedules.',
    });
  }
  const answer = await preview(before, zone, now);
  const date = change === undefined ? '' : localDate(change.at, zone);
  const kept = `It keeps the local time${change === undefined ? ': the clocks there do not change' : ' all year'}.`;
  const lost = `No single cron in UTC keeps this local time over the change of the clocks: from ${date} it is ${after === undefined ? 'none' : `"${after}"`}.`;
  const said = before === after ? kept : lost;
  return {
    ...answer,
    text: [`${words} in ${zone}: cron "${before}" in UTC. ${said}`, ...answer.text],
    data: {
      ...answer.data,
      local_cron: cron,
      keeps_local_time: before === after,
      changes_on: date || undefined,
      cron_afterwards: after,
    },
    warnings: before === after ? [] : [`Without update_schedule on ${date} it runs at another local time.`],
  };
}
