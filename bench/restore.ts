// A restore through the daemon (checked, proven, swapped), beside the same steps typed into a shell.
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startByHand } from './by-hand-server.ts';
import { fill, startDaemon } from './daemon.ts';
import { compare, numberOption } from './measure.ts';

const megabytes = numberOption('mb', 500);
const rounds = numberOption('rounds', 5);
const under = await startDaemon();
const byHand = await startByHand(join(under.sandbox.root, 'by-hand'));
try {
  const sql = await under.connect();
  await fill(sql, megabytes);
  await sql.close();
  const backup = await under.backup();
  const { home } = under.sandbox.settings;
  const object = join(home.repository, 'v1', under.service, backup.split(':')[0] ?? '', 'data.xbstream.zst');

  console.log(`Restore of ${megabytes} MB:  skybackup  |  zstd -d | mbstream -x; prepare; stop; mv; start  |  ratio`);
  await compare(
    {
      name: 'through the daemon, from the request to the service that answers',
      run: async () => {
        const since = performance.now();
        await under.restore(backup);
        const took = performance.now() - since;
        removeKept(under.datadir);
        return took;
      },
    },
    { name: 'by hand', run: () => byHand.restore(object) },
    rounds,
    1.25,
  );
  console.log(`  daemon's peak resident memory ${under.peakMiB().toFixed(0)} MiB (aim: under 250)`);
} finally {
  await byHand.stop();
  await under.dispose();
}

/** The data of before are kept for three days; a bench of many rounds would fill the disk with them. */
function removeKept(datadir: string): void {
  const parent = dirname(datadir);
  for (const name of readdirSync(parent)) {
    if (name.includes('before-restore')) rmSync(join(parent, name), { recursive: true });
  }
}
