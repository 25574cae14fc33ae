import type { Dice } from './dice.ts';
import { differences, type Fingerprint } from './fingerprint.ts';
import { elsewhere, type TakenBackup, type World } from './world.ts';

/** What is to be restored, and every state that is a right answer. */
interface Wanted {
  words: string;
  backup: TakenBackup;
  right: readonly Fingerprint[];
}

/** Restores a random point beside the service, and compares every table with what was recorded then. */
export async function prove(world: World, dice: Dice): Promise<void> {
  const fulls = world.backups.filter(({ type }) => type === 'full');
  if (fulls.length === 0) return;
  const backup = dice.one(fulls);
  const wanted: Wanted = {
    words: `backup ${backup.id} of #${backup.moment.index}`,
    backup,
    right: [backup.moment.state],
  };
  const { api } = world.daemon;
  const restore = await world.patiently(() => api.createRestore({ service_id: elsewhere, backup_id: backup.id }));
  const job = await world.daemon.ended(restore.job_id ?? 0);
  if (job.status !== 'Succeeded')
    throw new Error(`${wanted.words} ended as ${job.status}: ${JSON.stringify(job.error)}`);
  expectOneOf(wanted, await world.holds(elsewhere));
  world.tell(`     proven: ${wanted.words}`);
}

function expectOneOf({ words, right }: Wanted, found: Fingerprint): void {
  const wrong = right.map((state) => differences(state, found));
  if (wrong.some((each) => each.length === 0)) return;
  throw new Error(`${words} is not what it was:\n${wrong.at(-1)?.join('\n')}`);
}
