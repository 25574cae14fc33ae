import { startDaemon } from '../servers/daemon.ts';
import { diceOf } from './dice.ts';
import { prove } from './proofs.ts';
import { steps } from './steps.ts';
import { beginning } from './workload.ts';
import { World } from './world.ts';

export interface HistoryOptions {
  seed: number;
  /** How many random steps, and how many random points are restored after them. */
  steps: number;
  proofs: number;
  /** Hears of each thing as it happens. */
  tell?: (line: string) => void;
}

/**
 * Lets a random history happen to a real server under a real daemon, and restores random points of it. Throws with the seed
 * and all that happened; the same seed gives the same steps again, though not the same timing.
 */
export async function runHistory(options: HistoryOptions): Promise<void> {
  const { seed } = options;
  const lines: string[] = [];
  const tell = (line: string): void => {
    lines.push(line);
    options.tell?.(line);
  };
  const world = new World(await startDaemon(), tell);
  try {
    await world.begin();
    for (const unit of beginning) await world.carryOut(unit);
    const names = ['full backup', ...randomSteps(options)];
    for (const [at, name] of names.entries()) {
      tell(`${String(at).padStart(3)}  ${name}`);
      await steps.find((step) => step.name === name)?.act(world, diceOf(seed, `${at} ${name}`));
    }
    for (let at = 0; at < options.proofs; at += 1) await prove(world, diceOf(seed, `proof ${at}`));
  } catch (error) {
    const log = world.daemon.log().split('\n').slice(-30).join('\n');
    throw new Error(
      `History ${seed} went wrong. Again: node test/histories/replay.ts ${seed} ${options.steps} ${options.proofs}\n${lines.join('\n')}\n\n${error}\n\n${log}`,
      { cause: error },
    );
  } finally {
    await world.dispose();
  }
}

function randomSteps({ seed, steps: count }: HistoryOptions): string[] {
  const dice = diceOf(seed, 'steps');
  return Array.from({ length: count }, () => dice.weighted(steps).name);
}
