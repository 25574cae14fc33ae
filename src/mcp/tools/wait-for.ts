import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { readTime } from '../../contract/time.ts';
import type { Call } from '../context.ts';
import { defineTool } from '../define-tool.ts';
import { followBackup } from '../follow/backup.ts';
import type { Followed } from '../follow/followed.ts';
import { followJob } from '../follow/job.ts';
import { followRestore } from '../follow/restore.ts';

const kinds = ['backup', 'restore', 'job'] as const;

export const waitFor = defineTool({
  name: 'wait_for',
  operation: 'read',
  title: 'Wait for a backup or restore',
  description:
    'Waits up to 45 s for running work; call it again while finished is false. Take the arguments from the answer that started the work. After a restore it tells how the service is, whose users it has, how to undo.',
  input: z.strictObject({
    kind: z.enum(kinds),
    id: z.number().int().min(1).describe('For backup the schedule id'),
    since: z.string().max(40).optional().describe('As create_backup gave it'),
    timeout: z.number().min(0).max(45).optional().describe('Seconds'),
  }),
  cloudOnly: ['since'],
  inputOf: { cloud: { kind: z.enum(['backup', 'restore']) } },
  output: { finished: 'boolean', outcome: 'string', status: 'string' },
  async run({ kind, id, since, timeout = 40 }, call) {
    const look = {
      backup: () => followBackup(id, readTime(since), call),
      restore: () => followRestore(id, call),
      job: () => followJob(id, call),
    };
    const state = await follow(look[kind], timeout * 1000, call);
    if (state.outcome === 'in_progress') {
      return {
        text: [`Not finished yet. ${state.message}`],
        data: { ...state.data, finished: false, outcome: 'in_progress' },
        next: [
          `Call wait_for again with ${JSON.stringify({ kind, id, ...(since === undefined ? {} : { since }) })}.`,
          // No call there ends it, and starting it anew would run beside it.
          kind === 'restore' && call.api.provider.kind === 'cloud'
            ? "If its status stays the same for hours, tell the person that SkySQL's support must look: the cloud cancels no restore. Never start it again meanwhile."
            : undefined,
        ]
          .filter(Boolean)
          .join(' '),
      };
    }
    const answer = await state.ended(call);
    return { ...answer, data: { ...answer.data, finished: true, outcome: state.outcome } };
  },
});

/** Looks at growing intervals until it ends or the time is over; every look is a heartbeat for the host. */
async function follow(look: () => Promise<Followed>, timeoutMs: number, call: Call): Promise<Followed> {
  const deadline = Date.now() + timeoutMs;
  const longest = call.api.provider.kind === 'cloud' ? 5000 : 2000;
  for (let pause = 300; ; pause = Math.min(longest, pause * 1.5)) {
    const state = await look();
    const left = deadline - Date.now();
    // Not with the last look: progress that arrives together with the answer is for a request the client has closed.
    if (state.outcome !== 'in_progress' || left <= 0) return state;
    await call.progress(state.message, state.done, state.total);
    await delay(Math.min(pause, left), undefined, { signal: call.signal });
  }
}
