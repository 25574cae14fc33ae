// A dump through the daemon, beside the same pipe typed into a shell.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { findTool } from '../src/engine/mariadb/tools.ts';
import { fill, startDaemon } from './daemon.ts';
import { compare, numberOption } from './measure.ts';

const megabytes = numberOption('mb', 500);
const rounds = numberOption('rounds', 5);
const under = await startDaemon();
try {
  const sql = await under.connect();
  await fill(sql, megabytes);
  await sql.close();
  const file = join(under.sandbox.root, 'by-hand.zst');
  const options =
    '--all-databases --ignore-database=mysql --single-transaction --routines --triggers --events --hex-blob --master-data=2';
  const pipe = [
    `'${findTool('mariadb-dump')}' --defaults-file='${under.clientFile}' ${options}`,
    `'${findTool('zstd')}' -1 -q > '${file}'`,
  ].join(' | ');

  console.log(`Dump of ${megabytes} MB:  skybackup  |  mariadb-dump | zstd -1 > file  |  ratio`);
  await compare(
    {
      name: 'through the daemon, accounts added, hashed and published',
      run: async () => {
        const since = performance.now();
        await under.backup('dump');
        return performance.now() - since;
      },
    },
    {
      name: 'by hand',
      run: async () => {
        const since = performance.now();
        await execa('bash', ['-o', 'pipefail', '-c', pipe]);
        const took = performance.now() - since;
        rmSync(file);
        return took;
      },
    },
    rounds,
    1.2,
  );
  console.log(`  daemon's peak resident memory ${under.peakMiB().toFixed(0)} MiB (aim: under 250)`);
} finally {
  await under.dispose();
}
