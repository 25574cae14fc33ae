/** One side of a comparison: a name for people and a run that answers how long it took, in milliseconds. */
export interface Side {
  name: string;
  run: () => Promise<number>;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** By linear interpolation between neighbours; NaN for no values. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  return low === undefined || high === undefined ? Number.NaN : low + (high - low) * (at - Math.floor(at));
}

/**
 * Runs both sides in turns, A B A B: what else the machine does then falls on both alike. One unmeasured round first warms
 * the file cache. Prints each round and, at the end, medians and the ratio of the first to the second.
 */
export async function compare(ours: Side, theirs: Side, rounds: number, aim: number): Promise<number> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round += 1) {
    const a = await ours.run();
    const b = await theirs.run();
    if (round === 0) continue;
    times[0].push(a);
    times[1].push(b);
    console.log(`  ${String(round).padStart(3)}  ${shown(a)}  ${shown(b)}  ${(a / b).toFixed(2)}`);
  }
  const ratio = median(times[0]) / median(times[1]);
  console.log(`  ${ours.name}: median ${shown(median(times[0]))}, of ${rounds} runs`);
  console.log(`  ${theirs.name}: median ${shown(median(times[1]))}`);
  console.log(`  ratio ${ratio.toFixed(2)} (aim: at most ${aim})`);
  return ratio;
}

export function shown(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(ms < 100 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** `--name value` from the command line, as a positive number. */
export function numberOption(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(process.argv[at + 1]);
  if (!(value > 0)) throw new Error(`--${name} needs a positive number`);
  return value;
}
