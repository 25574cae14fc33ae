// A restore from S3 through the daemon (in ranges beside each other, checked, proven, swapped), beside download, unpack and
// prepare typed into a shell.
import { join } from 'node:path';
import { startWithBucket } from './bucket.ts';
import { startByHand } from './by-hand-server.ts';
import { fill } from './daemon.ts';
import { removeKept } from './kept-data.ts';
import { compare, numberOption } from './measure.ts';

const megabytes = numberOption('mb', 500);
const rounds = numberOption('rounds', 5);
const bucket = await startWithBucket({ megabytes: numberOption('per-connection', 0) });
const { under } = bucket;
const byHand = await startByHand(join(under.sandbox.root, 'by-hand'));
try {
  const sql = await under.connect();
  await fill(sql, megabytes);
  await sql.close();
  const id = await under.backup();
  const before = under.peakMiB();
  console.log(
    `Restore of ${megabytes} MB from S3:  skybackup  |  GetObject | zstd -d | mbstream -x; prepare; stop; mv; start  |  ratio`,
  );
  await compare(
    {
      name: 'through the daemon, from the request to the service that answers',
      run: async () => {
        const since = performance.now();
        await under.restore(id);
        const took = performance.now() - since;
        await under.beQuiet();
        removeKept(under.datadir);
        return took;
      },
    },
    {
      name: 'by hand',
      run: () => byHand.restore({ command: bucket.plain('download', bucket.keyOf(id)), env: bucket.env }),
    },
    rounds,
    1.15,
  );
  const peaks = `${before.toFixed(0)} MiB after the backup, ${under.peakMiB().toFixed(0)} MiB after the restores`;
  console.log(`  daemon's peak resident memory: ${peaks} (aim: under 250)`);
} finally {
  await byHand.stop();
  await bucket.dispose();
}
