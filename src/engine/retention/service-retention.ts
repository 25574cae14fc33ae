import {
  defaultRetention,
  type Retention,
  type RetentionDecision,
  type RetentionPass,
  type RetentionPolicy,
} from '../../contract/retention.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { carryOutPlanned } from '../plans/carry-out.ts';
import { findService } from '../services/find-service.ts';
import { present } from '../store/rows.ts';
import type { Decision, RetentionOutcome } from './decide.ts';
import { policyInWords, shortened } from './policy-words.ts';
import { decideFor, policyOf } from './retention-pass.ts';

/** Longest list in an answer. */
const mostListed = 1000;

/** The retention of a registered service; on demand with what a pass would do now. */
export function getRetention(context: EngineContext, idOrFqdn: string, dryRun: boolean): Retention {
  const { id } = findService(context.state, idOrFqdn);
  const row = context.state.retention.get(id);
  const policy = row?.policy ?? defaultRetention;
  const { last_pass_at, last_pass_message, last_pass_failed } = row ?? {};
  return {
    service_id: id,
    policy,
    is_default: row?.policy === undefined,
    in_words: policyInWords(policy),
    ...(last_pass_at === undefined
      ? {}
      : {
          last_pass: {
            at: toRfc3339(last_pass_at),
            message: last_pass_message ?? '',
            failed: last_pass_failed ?? false,
          },
        }),
    ...(dryRun ? { pass: passView(decideFor(context, id)) } : {}),
  };
}

/** What a policy would do in place of the present one; nothing is changed. */
export function tryRetention(context: EngineContext, idOrFqdn: string, policy: RetentionPolicy): Retention {
  const { id } = findService(context.state, idOrFqdn);
  return {
    service_id: id,
    policy,
    is_default: false,
    in_words: policyInWords(policy),
    pass: passView(decideFor(context, id, policy)),
    shortens: lessKept(context, id, policy),
  };
}

/** Sets the whole policy of a service. Where less is kept afterwards, an approved plan or an administrator is needed. */
export async function setRetention(
  context: EngineContext,
  idOrFqdn: string,
  policy: RetentionPolicy,
  asker: Asker,
): Promise<Retention> {
  const { state } = context;
  const { id } = findService(state, idOrFqdn);
  const change = (): void => state.retention.setPolicy(id, policy);
  if (asker.planId === undefined && lessKept(context, id, policy).length === 0) state.transaction(change);
  else {
    const action = { operation: 'set_retention' as const, arguments: { service_id: id, ...policy } };
    await carryOutPlanned(context, action, asker, undefined, change);
  }
  return getRetention(context, id, false);
}

/** How less is kept afterwards: by the policies' own words, or because backups of now would go that now stay. */
export function lessKept(context: EngineContext, serviceId: string, policy: RetentionPolicy): string[] {
  const sentences = shortened(policyOf(context, serviceId), policy);
  const goesAnyway = new Set(going(decideFor(context, serviceId)).map(({ backup }) => backup.id));
  const more = going(decideFor(context, serviceId, policy)).filter(
    ({ backup }) => backup.state === 'good' && !goesAnyway.has(backup.id),
  );
  if (more.length > 0) {
    sentences.push(`${more.length} ${more.length === 1 ? 'backup goes' : 'backups go'} that would stay as it is now.`);
  }
  return sentences;
}

export function going({ decisions }: RetentionOutcome): Decision[] {
  return decisions.filter(({ keep }) => !keep);
}

function passView({ decisions, warnings }: RetentionOutcome): RetentionPass {
  const newestLast = decisions.toSorted((a, b) => a.backup.to - b.backup.to);
  const part = (keep: boolean) => {
    const all = newestLast.filter((decision) => decision.keep === keep);
    const bytes = all.reduce((sum, { backup }) => sum + backup.bytes, 0);
    return { list: all.slice(0, mostListed).map(decisionView), count: all.length, bytes };
  };
  const [goes, stays] = [part(false), part(true)];
  return {
    expires: goes.list,
    expires_count: goes.count,
    expires_bytes: goes.bytes,
    keeps: stays.list,
    keeps_count: stays.count,
    keeps_bytes: stays.bytes,
    warnings,
  };
}

function decisionView({ backup, reason }: Decision): RetentionDecision {
  const { id, type, to, bytes, state } = backup;
  return {
    backup_id: id,
    type,
    taken_at: toRfc3339(new Date(to)),
    ...present({ bytes: state === 'good' ? bytes : undefined }),
    reason,
  };
}
