import { z } from 'zod';
import { readTime } from '../../contract/time.ts';
import { defineTool } from '../define-tool.ts';
import { findService } from '../find/service.ts';
import { coverageOf, nextRunsOf } from './coverage.ts';
import { pageTools } from './page-names.ts';
import { timelineBackup } from './timeline-backups.ts';

/** The timeline's page asks for as much at a time: no model sees the answer, so its budget does not count. */
const pageSize = 100;

/** Everything that the timeline draws of a service; the backups page by page, newest first. */
export const readTimeline = defineTool({
  name: pageTools.timeline,
  operation: 'read',
  forPages: true,
  title: 'Read a timeline',
  description: 'For the timeline page.',
  input: z.strictObject({ service: z.string().max(300), page: z.number().int().min(1).max(1000).default(1) }),
  output: { service_id: 'string', backups: 'array', count: 'number', next_page: 'number' },
  async run({ service, page }, { api, signal }) {
    const { id } = await findService(api, service, signal);
    const query = { service_id: id, order: 'desc', page, page_size: pageSize } as const;
    const [coverage, listed] = await Promise.all([
      page === 1 ? coverageOf(api, id, signal) : [],
      api.listBackups(query, { signal }),
    ]);
    const [own] = coverage;
    const rest = own && {
      verdict: own.health.verdict,
      windows: own.windows.map(({ start_time, end_time }) => ({ from: ms(start_time), to: ms(end_time) })),
      next_runs: (await nextRunsOf(own.health)).map(({ type, at }) => ({ type, at: at.getTime() })),
      reasons: own.health.reasons.map(({ level, message }) => ({ level, message })),
    };
    const more = page * pageSize < listed.count && listed.items.length > 0;
    return {
      text: [`Page ${page} of the backups of ${id}.`],
      data: {
        service_id: id,
        backups: listed.items.map(timelineBackup),
        count: listed.count,
        next_page: more ? page + 1 : undefined,
        ...rest,
      },
    };
  },
});

function ms(time: string | undefined): number | undefined {
  return readTime(time)?.getTime();
}
