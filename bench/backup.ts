// A full backup through the daemon, beside the same pipe typed into a shell.
import { rmSync, statSync } from 'node:fs';
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
  const { home } = under.sandbox.settings;
  const file = join(under.sandbox.root, 'by-hand.zst');
  const pipe = [
    `'${findTool('mariadb-backup')}' --defaults-file='${under.clientFile}' --backup --datadir='${under.datadir}' --stream=mbstream`,
    `'${findTool('zstd')}' -1 -q > '${file}'`,
  ].join(' | ');

  console.log(
    `Full backup of ${megabytes} MB:  skybackup  |  mariadb-backup --stream=mbstream | zstd -1 > file  |  ratio`,
  );
  let bytes = 0;
  await compare(
    {
      name: 'through the daemon, hashed and published',
      run: async () => {
        const since = performance.now();
        const id = await under.backup();
        const took = performance.now() - since;
        const folder = join(home.repository, 'v1', under.service, id.split(':')[0] ?? '');
        bytes = statSync(join(folder, 'data.xbstream.zst')).size;
        return took;
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
  console.log(
    `  object: ${(bytes / 1e6).toFixed(0)} MB; daemon's peak resident memory ${under.peakMiB().toFixed(0)} MiB (aim: under 250)`,
  );
} finally {
  await under.dispose();
}
