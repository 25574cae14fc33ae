// One history, told as it happens: node test/histories/replay.ts <seed> [steps] [proofs]
import { runHistory } from './history.ts';

const [seed = 1, steps = 40, proofs = 5] = process.argv.slice(2).map(Number);
await runHistory({ seed, steps, proofs, tell: (line) => process.stdout.write(`${line}\n`) });
process.stdout.write(`history ${seed} is well\n`);
