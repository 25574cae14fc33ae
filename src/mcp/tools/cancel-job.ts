import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { classifyStatus } from '../../contract/status.ts';
import { daemonOf } from '../daemon-of.ts';
import { defineTool } from '../define-tool.ts';
import { jobInWords } from '../follow/job.ts';
import { quoteText } from '../untrusted-text.ts';

/** A write and no more: a cancelled backup leaves the earlier ones, and a cancelled restore leaves the target as it was. */
export const cancelJob = defineTool({
  name: 'cancel_job',
  operation: 'write',
  needs: 'jobs',
  idempotent: true,
  title: 'Cancel running work',
  description:
    'Asks running work to stop; ask the person first. Finished backups stay. A restore leaves its target as it was, unless it exchanges the data already: then it ends first.',
  input: z.strictObject({ job_id: z.number().int().min(1) }),
  output: { job_id: 'number', service_id: 'string', status: 'string' },
  async run({ job_id }, { api, signal }) {
    const daemon = daemonOf(api);
    const before = await daemon.getJob(job_id, { signal });
    const { service_id } = before;
    if (classifyStatus(before.status) !== 'in_progress') {
      return {
        text: [`Nothing to cancel: job ${job_id} has ended. ${jobInWords(before)}`],
        data: { job_id, service_id, status: quoteText(before.status), message: jobInWords(before) },
      };
    }
    const { restore_id } = before;
    if (restore_id !== undefined && (await api.getRestore(restore_id, { signal })).import === 'begun')
      throw importRuns(job_id, service_id);
    const job = await daemon.cancelJob(job_id, { signal });
    const wait = { kind: 'job', id: job_id };
    return {
      text: [`Job ${job_id} of ${service_id} was asked to stop. ${jobInWords(job)}`],
      data: { job_id, service_id, status: quoteText(job.status), wait_for: wait },
      next: `Call wait_for with ${JSON.stringify(wait)}: it says how the job ended. It may still succeed when it was nearly done.`,
    };
  },
});

/** Half of an import is worse than none or all of it, and no plan has asked a person for that. */
function importRuns(jobId: number, serviceId: string): SkybackupError {
  return new SkybackupError(
    'conflict',
    `Job ${jobId} is importing a dump into ${serviceId}: stopped now, ${serviceId} would be left partly replaced. It goes on.`,
    {
      hint: `Call wait_for with {"kind":"job","id":${jobId}}: afterwards its safety dump can be restored, to go back.`,
      retryable: false,
    },
  );
}
