import { z } from 'zod';
import { parseRequest } from '../../contract/parse-request.ts';
import { RetentionPolicy } from '../../contract/retention.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { digestOf } from '../../plans/arguments-digest.ts';
import { policyInWords } from '../retention/policy-words.ts';
import { decideFor, policyOf } from '../retention/retention-pass.ts';
import { going, lessKept } from '../retention/service-retention.ts';
import { findService } from '../services/find-service.ts';
import type { Operation } from './operations.ts';
import { bytesInWords } from './words.ts';

const NewRetention = RetentionPolicy.extend({ service_id: z.string().min(1).max(300) });

/** More than a person reads. */
const mostNamed = 10;

export const setRetentionOperation: Operation = {
  normalise(context, input) {
    const { service_id, ...policy } = parseRequest(NewRetention, input, 'arguments');
    return { service_id: findService(context.state, service_id).id, ...policy };
  },
  async describe(context, args) {
    const { service_id, ...policy } = parseRequest(NewRetention, args, 'arguments');
    const { id } = findService(context.state, service_id);
    const before = policyOf(context, id);
    const outcome = decideFor(context, id, policy);
    const goes = going(outcome).filter(({ backup }) => backup.state === 'good');
    const bytes = goes.reduce((sum, { backup }) => sum + backup.bytes, 0);
    const named = goes
      .slice(0, mostNamed)
      .map(
        ({ backup, reason }) => `${backup.type} backup ${backup.id} of ${toRfc3339(new Date(backup.to))}: ${reason}.`,
      );
    const more = goes.length > named.length ? [`And ${goes.length - named.length} more.`] : [];
    return {
      // What is taken and what grows old in between belongs to every policy; another policy or another life does not.
      digest: digestOf({ id, before, last: context.state.backups.lastGood(id)?.id }),
      facts: {
        title: `Keep the backups of service ${id} by another rule`,
        service_id: id,
        confirm_id: id,
        replaced: policyInWords(before),
        replaced_by: policyInWords(policy),
        size_bytes: bytes,
        lost: [
          ...lessKept(context, id, policy),
          goes.length === 0
            ? 'As of now no backup goes at the next pass.'
            : `At the next pass ${goes.length} of its backups are deleted (${bytesInWords(bytes)}):`,
          ...named,
          ...more,
        ],
        warnings: outcome.warnings,
        undo: 'Set the earlier rule again before the next pass, which comes after the next backup or within a day. What was deleted cannot be brought back.',
      },
    };
  },
};
