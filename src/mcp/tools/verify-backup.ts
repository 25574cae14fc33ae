import { z } from 'zod';
import { daemonOf } from '../daemon-of.ts';
import { defineTool } from '../define-tool.ts';
import { backupForms, findOwnBackup, latest } from '../find/backup.ts';
import { quoteText } from '../untrusted-text.ts';

/** A write, since it starts work; it harms nothing: no registered server is touched. */
export const verifyBackup = defineTool({
  name: 'verify_backup',
  operation: 'write',
  needs: 'jobs',
  title: 'Prove that a backup can be restored',
  description:
    'Proves a backup: restores it in a sandbox, opens every table, measures how long recovery takes. Touches no service. quick checks the stored bytes only.',
  input: z.strictObject({
    backup: z.string().max(300).default(latest).describe(backupForms),
    service: z.string().max(300).optional(),
    checks: z.array(z.enum(['quick', 'check_table', 'row_counts'])).default([]),
  }),
  output: { verification_id: 'number', job_id: 'number', backup_id: 'string', wait_for: 'object' },
  async exact({ backup, service, checks }, call) {
    const { id } = await findOwnBackup(backup, service, call);
    return { backup_id: id, checks };
  },
  async run({ backup_id, checks }, { api, signal }) {
    const asked = Object.fromEntries(checks.map((check) => [check, true]));
    const { id, job_id, status } = await daemonOf(api).verifyBackup(backup_id, asked, { signal });
    const wait = { kind: 'job', id: job_id };
    return {
      text: [
        `Verification ${id} of backup ${quoteText(backup_id, 200)} has started (${quoteText(status)}, job ${job_id}).`,
      ],
      data: { verification_id: id, job_id, backup_id, status: quoteText(status), wait_for: wait },
      next: `Call wait_for with ${JSON.stringify(wait)}: it tells whether the backup is sound, and how long recovery took.`,
    };
  },
});
