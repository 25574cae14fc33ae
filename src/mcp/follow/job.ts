import { z } from 'zod';
import type { Job } from '../../contract/jobs.ts';
import { classifyStatus } from '../../contract/status.ts';
import type { Call } from '../context.ts';
import { daemonOf } from '../daemon-of.ts';
import { backupRow } from '../rows.ts';
import { durationInWords, sizeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';
import type { Followed } from './followed.ts';
import { followRestore } from './restore.ts';

const Warnings = z.array(z.string()).catch([]);

/** A job of the daemon: phase, bytes, rate, time left. A restore's job ends with what followed for its service. */
export async function followJob(id: number, call: Call): Promise<Followed> {
  const job = await daemonOf(call.api).getJob(id, { signal: call.signal });
  if (job.restore_id !== undefined && classifyStatus(job.status) === 'done') return followRestore(job.restore_id, call);
  return {
    outcome: classifyStatus(job.status),
    message: jobInWords(job),
    done: job.bytes,
    total: job.total_bytes,
    data: jobData(job),
    ended: async () => endedJob(job, call),
  };
}

/** `backup job 7 of orders: Running, copying, 1.2 GB of 4.0 GB, 210 MB/s, about 13 s left` */
export function jobInWords(job: Job): string {
  const done = sizeInWords(job.bytes);
  const all = sizeInWords(job.total_bytes);
  const rate = sizeInWords(job.bytes_per_second);
  const parts = [
    quoteText(job.status),
    job.phase && quoteText(job.phase),
    done && (all === undefined ? done : `${done} of ${all}`),
    rate && `${rate}/s`,
    job.eta_seconds === undefined ? undefined : `about ${durationInWords(job.eta_seconds * 1000)} left`,
    job.message && quoteText(job.message),
  ];
  return `${quoteText(job.kind)} job ${job.id} of ${job.service_id}: ${parts.filter(Boolean).join(', ')}`;
}

function jobData(job: Job): Record<string, unknown> {
  const { id, service_id, status, phase, backup_id, restore_id, error } = job;
  return { job_id: id, service_id, status, phase, backup_id, restore_id, failure: error };
}

async function endedJob(job: Job, { api, signal }: Call) {
  const { error, backup_id, kind } = job;
  const warnings = Warnings.parse(job.warnings);
  if (classifyStatus(job.status) === 'failed') {
    return {
      text: [jobInWords(job), error && `Reason: ${quoteText(error.message, 400)} [${quoteText(error.code)}]`],
      data: jobData(job),
      warnings,
      next: error?.hint ?? 'Mend the reason, then start it again.',
    };
  }
  if (kind === 'verify' || kind === 'drill') {
    const result = job.message === undefined ? '' : `: ${quoteText(job.message, 400)}`;
    return {
      text: [`${quoteText(kind)} job ${job.id}, ${quoteText(job.status)}${result}`],
      data: jobData(job),
      warnings,
    };
  }
  if (backup_id === undefined) return { text: [jobInWords(job)], data: jobData(job), warnings };
  const row = backupRow(await api.getBackup(backup_id, { signal }));
  return {
    text: [`The backup is finished (job ${job.id}):`, row.text],
    data: { ...jobData(job), backup: row.data },
    warnings,
    next:
      kind === 'binarylog'
        ? 'It takes the backups before it further: restore_backup of one with point_in_time, gtid or before_gtid.'
        : `restore_backup with backup "${backup_id}" would restore it, if the person wants that.`,
  };
}
