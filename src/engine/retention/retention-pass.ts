import { SkybackupError } from '../../contract/errors.ts';
import { defaultRetention, type RetentionPolicy } from '../../contract/retention.ts';
import type { EngineContext } from '../engine-context.ts';
import { bytesInWords } from '../plans/words.ts';
import { isLocked } from '../services/lock.ts';
import { type Decision, decide, type RetentionOutcome } from './decide.ts';
import { takeOffTheList } from './removal.ts';
import { Chains, familyOf, newestFirst } from './retained-backup.ts';
import { backupsOf, familiesOf, reachesOf } from './service-backups.ts';

/** The policy of a service, or what holds where nobody has set one. */
export function policyOf({ state }: Pick<EngineContext, 'state'>, serviceId: string): RetentionPolicy {
  return state.retention.get(serviceId)?.policy ?? defaultRetention;
}

/** What a pass would do now: by the service's own policy, or by another. */
export function decideFor(
  context: Pick<EngineContext, 'state' | 'clock'>,
  serviceId: string,
  policy = context.state.retention.get(serviceId)?.policy,
): RetentionOutcome {
  return decide({
    backups: backupsOf(context, serviceId, policy === undefined),
    policy: policy ?? defaultRetention,
    now: context.clock.now(),
    families: familiesOf(context, serviceId),
    reaches: reachesOf(context, serviceId),
  });
}

/** Takes off the list what the policy lets go, if the repository still has what is to stay. Returns what was done, in words. */
export async function retentionPass(context: EngineContext, serviceId: string): Promise<string> {
  const { state, repository } = context;
  if (isLocked(context, serviceId)) return nothingGoes;
  const planned = goingOf(decideFor(context, serviceId));
  if (planned.every(({ backup }) => backup.state === 'failed')) {
    return state.transaction(() => expire(context, serviceId, planned));
  }
  // The index may be wrong where the repository was touched: nothing goes unless what is to stay is really there.
  const anchor = lastGoodOf(context, serviceId);
  if (anchor === undefined || (await repository.manifest(serviceId, anchor)) === undefined) {
    throw new SkybackupError(
      'backup_damaged',
      `Nothing was deleted: ${anchor === undefined ? 'there is no good backup that would stay' : `the last good backup ${anchor} is not in the repository`}.`,
    );
  }
  // Decided anew, in one breath with the deed: a restore may have begun meanwhile, or a lock been set.
  return state.transaction(() => {
    if (isLocked(context, serviceId)) return nothingGoes;
    if (lastGoodOf(context, serviceId) !== anchor) return 'A newer backup came in between; the next pass decides.';
    return expire(context, serviceId, goingOf(decideFor(context, serviceId)));
  });
}

const nothingGoes = 'The service is locked: nothing of it goes until it is unlocked.';

function expire(context: EngineContext, serviceId: string, going: readonly Decision[]): string {
  takeOffTheList(
    context,
    serviceId,
    going.map(({ backup }) => backup),
  );
  for (const { backup, reason } of going) {
    context.state.audit.add({
      principal: 'daemon',
      action: 'Expiring a backup',
      target: backup.id,
      outcome: 'done',
      detail: { service_id: serviceId, type: backup.type, bytes: backup.bytes, reason },
    });
  }
  const bytes = going.reduce((sum, { backup }) => sum + backup.bytes, 0);
  if (going.length === 0) return 'Nothing had to go.';
  return `${going.length} ${going.length === 1 ? 'backup' : 'backups'} expired (${bytesInWords(bytes)}).`;
}

function goingOf({ decisions }: RetentionOutcome): Decision[] {
  return decisions.filter(({ keep }) => !keep);
}

function lastGoodOf(context: Pick<EngineContext, 'state'>, serviceId: string): string | undefined {
  const backups = backupsOf(context, serviceId);
  const chains = new Chains(backups);
  return backups.filter((backup) => familyOf(backup) !== 'binarylog' && chains.isSound(backup)).sort(newestFirst)[0]
    ?.id;
}
