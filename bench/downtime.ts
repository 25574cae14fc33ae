// For how long clients cannot reach the target of a restore, by its size, while one client polls and another writes.
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlConnection } from '../src/engine/mariadb/connect.ts';
import { type DaemonUnderTest, fill, startDaemon } from './daemon.ts';
import { median, numberOption, percentile, shown } from './measure.ts';

const small = numberOption('small', 50);
const large = numberOption('large', 1000);
const rounds = numberOption('rounds', 10);

/** One query after another until `stop`, with a new connection whenever the old one is gone. */
async function keepAsking(
  under: DaemonUnderTest,
  query: string,
  stop: AbortSignal,
  onAnswer: (at: number) => void,
): Promise<void> {
  let sql: SqlConnection | undefined;
  while (!stop.aborted) {
    try {
      sql ??= await under.connect();
      await sql.query(query);
      onAnswer(performance.now());
      await delay(2);
    } catch {
      await sql?.close();
      sql = undefined;
      await delay(2);
    }
  }
  await sql?.close();
}

/** The longest time without an answer around one restore, in milliseconds. */
async function downtimeOf(under: DaemonUnderTest, backup: string): Promise<number> {
  const stop = new AbortController();
  let last = performance.now();
  let longest = 0;
  const poller = keepAsking(under, 'SELECT 1', stop.signal, (at) => {
    longest = Math.max(longest, at - last);
    last = at;
  });
  const writer = keepAsking(under, 'INSERT INTO bench.writes (pad) VALUES (RANDOM_BYTES(512))', stop.signal, () => {});
  await delay(1000);
  longest = 0;
  await under.restore(backup);
  await delay(200);
  stop.abort();
  await Promise.all([poller, writer]);
  return longest;
}

async function measure(megabytes: number): Promise<{ times: number[]; peakMiB: number }> {
  const under = await startDaemon();
  try {
    const sql = await under.connect();
    await fill(sql, megabytes);
    await fill(sql, 1, 'writes');
    await sql.close();
    const backup = await under.backup();
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      times.push(await downtimeOf(under, backup));
      console.log(
        `  ${String(megabytes).padStart(5)} MB  ${String(round + 1).padStart(3)}  ${shown(times.at(-1) ?? Number.NaN)}`,
      );
      await under.beQuiet();
      const parent = dirname(under.datadir);
      for (const name of readdirSync(parent)) {
        if (name.includes('before-restore')) rmSync(join(parent, name), { recursive: true });
      }
    }
    return { times, peakMiB: under.peakMiB() };
  } finally {
    await under.dispose();
  }
}

console.log('Downtime of the target of a restore, polled every 2 ms while another client writes:');
const [a, b] = [await measure(small), await measure(large)];
for (const [megabytes, { times, peakMiB }] of [
  [small, a],
  [large, b],
] as const) {
  console.log(
    `  ${megabytes} MB: median ${shown(median(times))}, p95 ${shown(percentile(times, 0.95))}, of ${rounds} restores; daemon's peak resident memory ${peakMiB.toFixed(0)} MiB (aim: under 250)`,
  );
}
console.log(
  `  ratio ${large} MB to ${small} MB: ${(percentile(b.times, 0.95) / percentile(a.times, 0.95)).toFixed(2)} by p95, ${(median(b.times) / median(a.times)).toFixed(2)} by median (aim: at most 1.5)`,
);
