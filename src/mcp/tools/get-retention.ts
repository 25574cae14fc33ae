import { z } from 'zod';
import { daemonOf } from '../daemon-of.ts';
import { defineTool } from '../define-tool.ts';
import { findService } from '../find/service.ts';
import { passInWords, retentionData } from '../retention-words.ts';
import { timeInWords } from '../sizes-and-times.ts';

export const getRetention = defineTool({
  name: 'get_retention',
  operation: 'read',
  needs: 'retention',
  title: 'Show how long backups are kept',
  description: 'Tells how long backups of a service are kept, and which would go now and why.',
  input: z.strictObject({ service: z.string().max(300) }),
  output: { service_id: 'string', policy: 'object', in_words: 'string', expires: 'array', last_pass: 'object' },
  async run({ service }, { api, signal }) {
    const { id } = await findService(api, service, signal);
    const retention = await daemonOf(api).getRetention(id, { signal, dryRun: true });
    const { in_words, is_default, pass, last_pass } = retention;
    const words = pass === undefined ? undefined : passInWords(pass);
    const last = last_pass === undefined ? undefined : `Last pass, ${timeInWords(last_pass.at)}: ${last_pass.message}`;
    return {
      text: [`Retention of ${id}${is_default ? ' (the default)' : ''}: ${in_words}`, ...(words?.text ?? []), last],
      data: {
        ...retentionData(retention),
        ...words?.data,
        last_pass: last_pass && { ...last_pass, at: timeInWords(last_pass.at) },
      },
      warnings: [
        ...(pass?.warnings ?? []),
        ...(last_pass?.failed ? ['The last pass failed: expired backups may still take room.'] : []),
      ],
      next: 'set_retention changes it.',
    };
  },
});
