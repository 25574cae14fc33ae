// An incremental backup through the daemon, beside the same pipe typed into a shell from the same LSN.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { findTool } from '../src/engine/mariadb/tools.ts';
import { Manifest } from '../src/engine/repository/manifest.ts';
import { fill, startDaemon } from './daemon.ts';
import { compare, numberOption } from './measure.ts';

const megabytes = numberOption('mb', 500);
const rounds = numberOption('rounds', 5);
const under = await startDaemon();
try {
  const sql = await under.connect();
  await fill(sql, megabytes);
  const { home } = under.sandbox.settings;
  const file = join(under.sandbox.root, 'by-hand.zst');
  const manifestOf = (id: string): Manifest => {
    const folder = join(home.repository, 'v1', under.service, id.split(':')[0] ?? '');
    return Manifest.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  };
  const pipeSince = (lsn: string): string =>
    [
      `'${findTool('mariadb-backup')}' --defaults-file='${under.clientFile}' --backup --datadir='${under.datadir}' --incremental-lsn=${lsn} --stream=mbstream`,
      `'${findTool('zstd')}' -1 -q > '${file}'`,
    ].join(' | ');

  await under.backup();
  console.log(
    `Incremental after a twentieth of ${megabytes} MB changed:  skybackup  |  mariadb-backup --incremental-lsn | zstd -1 > file  |  ratio`,
  );
  let last: Manifest | undefined;
  let round = 0;
  await compare(
    {
      name: 'through the daemon, proven to continue its parent, hashed and published',
      run: async () => {
        // A part that lies together, another one each time, as new rows do.
        const rows = Math.round(megabytes * 950 * 0.05);
        round += 1;
        const first = (round % 18) * rows;
        await sql.query('UPDATE bench.bulk SET pad = RANDOM_BYTES(1024) WHERE id BETWEEN ? AND ?', [
          first,
          first + rows,
        ]);
        const since = performance.now();
        const id = await under.backup('incremental');
        const took = performance.now() - since;
        last = manifestOf(id);
        return took;
      },
    },
    {
      name: 'by hand',
      run: async () => {
        const pipe = pipeSince(last?.lsn?.from ?? '0');
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
  await sql.close();
  const bytes = last?.objects[0].bytes ?? Number.NaN;
  console.log(
    `  object: ${(bytes / 1e6).toFixed(0)} MB; daemon's peak resident memory ${under.peakMiB().toFixed(0)} MiB (aim: under 250)`,
  );
} finally {
  await under.dispose();
}
