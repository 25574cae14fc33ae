import type { RestoreSource } from '../restore/source.ts';
import type { StateStore } from '../store/state-store.ts';
import { ratesOf } from './kinds-of-work.ts';
import type { MeasuredJob } from './measured-phases.ts';

/** Takes in how fast a job made data of its source; in the transaction that ends it. */
export function recordRates(
  state: Pick<StateStore, 'rates'>,
  source: RestoreSource,
  job: MeasuredJob | undefined,
): void {
  // How much of it there is was not known before, and decrypting it takes its own time.
  if (source.foreign !== undefined) return;
  for (const { work, bytes, seconds } of ratesOf(source, job?.phases() ?? [])) state.rates.add(work, bytes, seconds);
}
