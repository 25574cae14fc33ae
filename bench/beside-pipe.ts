import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { findTool } from '../src/engine/mariadb/tools.ts';
import type { DaemonUnderTest } from './daemon.ts';
import { compare } from './measure.ts';

export interface BesidePipe {
  /** What is compared, for people. */
  title: string;
  name: string;
  rounds: number;
  /** Takes the backup through the daemon; answers how long it took, in milliseconds. */
  run: () => Promise<number>;
  /** The command whose output is piped through `zstd -1` into a file, as a person would type it; asked anew each round. */
  command: () => string;
  /** Bytes of the object stored, where that tells something. */
  bytes?: () => number;
}

/** A backup through the daemon beside the same pipe typed into a shell, and what memory the daemon took for it. */
export async function besidePipe(under: DaemonUnderTest, bench: BesidePipe): Promise<void> {
  const file = join(under.sandbox.root, 'by-hand.zst');
  console.log(`${bench.title}  |  ratio`);
  const byHand = async (): Promise<number> => {
    const pipe = `${bench.command()} | '${findTool('zstd')}' -1 -q > '${file}'`;
    const since = performance.now();
    await execa('bash', ['-o', 'pipefail', '-c', pipe]);
    const took = performance.now() - since;
    rmSync(file);
    return took;
  };
  await compare({ name: bench.name, run: bench.run }, { name: 'by hand', run: byHand }, bench.rounds, 1.2);
  const object = bench.bytes === undefined ? '' : `object: ${(bench.bytes() / 1e6).toFixed(0)} MB; `;
  console.log(`  ${object}daemon's peak resident memory ${under.peakMiB().toFixed(0)} MiB (aim: under 250)`);
}
