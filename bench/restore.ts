// A restore through the daemon (checked, proven, swapped), of a full backup or, with --increments, of a chain; beside the same
// steps typed into a shell.
import { join } from 'node:path';
import { startByHand } from './by-hand-server.ts';
import { fill, startDaemon } from './daemon.ts';
import { removeKept } from './kept-data.ts';
import { compare, numberOption } from './measure.ts';

const megabytes = numberOption('mb', 500);
const rounds = numberOption('rounds', 5);
const increments = numberOption('increments', 0);
const under = await startDaemon();
const byHand = await startByHand(join(under.sandbox.root, 'by-hand'));
try {
  const sql = await under.connect();
  await fill(sql, megabytes);
  const chain = [await under.backup()];
  for (let step = 0; step < increments; step += 1) {
    // A twentieth that lies together, another one each time, as new rows do.
    const rows = Math.round(megabytes * 950 * 0.05);
    const first = (step % 20) * rows;
    await sql.query('UPDATE bench.bulk SET pad = RANDOM_BYTES(1024) WHERE id BETWEEN ? AND ?', [first, first + rows]);
    chain.push(await under.backup('incremental'));
  }
  await sql.close();
  const { home } = under.sandbox.settings;
  const [object = '', ...later] = chain.map((id) =>
    join(home.repository, 'v1', under.service, id.split(':')[0] ?? '', 'data.xbstream.zst'),
  );

  const what = increments === 0 ? '' : ` and ${increments} increments of a twentieth`;
  console.log(
    `Restore of ${megabytes} MB${what}:  skybackup  |  zstd -d | mbstream -x; prepare; stop; mv; start  |  ratio`,
  );
  await compare(
    {
      name: 'through the daemon, from the request to the service that answers',
      run: async () => {
        const since = performance.now();
        await under.restore(chain.at(-1) ?? '');
        const took = performance.now() - since;
        await under.beQuiet();
        removeKept(under.datadir);
        return took;
      },
    },
    { name: 'by hand', run: () => byHand.restore(object, later) },
    rounds,
    1.25,
  );
  console.log(`  daemon's peak resident memory ${under.peakMiB().toFixed(0)} MiB (aim: under 250)`);
} finally {
  await byHand.stop();
  await under.dispose();
}
