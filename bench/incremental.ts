// An incremental backup through the daemon, beside the same pipe typed into a shell from the same LSN.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../src/engine/mariadb/tools.ts';
import { Manifest } from '../src/engine/repository/manifest.ts';
import { besidePipe } from './beside-pipe.ts';
import { fill, startDaemon } from './daemon.ts';
import { numberOption } from './measure.ts';

const megabytes = numberOption('mb', 500);
const rounds = numberOption('rounds', 5);
const under = await startDaemon();
try {
  const sql = await under.connect();
  await fill(sql, megabytes);
  const { home } = under.sandbox.settings;
  const manifestOf = (id: string): Manifest => {
    const folder = join(home.repository, 'v1', under.service, id.split(':')[0] ?? '');
    return Manifest.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
  };

  await under.backup();
  let last: Manifest | undefined;
  let round = 0;
  await besidePipe(under, {
    title: `Incremental after a twentieth of ${megabytes} MB changed:  skybackup  |  mariadb-backup --incremental-lsn | zstd -1 > file`,
    name: 'through the daemon, proven to continue its parent, hashed and published',
    rounds,
    run: async () => {
      // A part that lies together, another one each time, as new rows do.
      const rows = Math.round(megabytes * 950 * 0.05);
      round += 1;
      const first = (round % 18) * rows;
      await sql.query('UPDATE bench.bulk SET pad = RANDOM_BYTES(1024) WHERE id BETWEEN ? AND ?', [first, first + rows]);
      const since = performance.now();
      const id = await under.backup('incremental');
      const took = performance.now() - since;
      last = manifestOf(id);
      return took;
    },
    command: () =>
      `'${findTool('mariadb-backup')}' --defaults-file='${under.clientFile}' --backup --datadir='${under.datadir}' --incremental-lsn=${last?.lsn?.from ?? '0'} --stream=mbstream`,
    bytes: () => last?.objects[0].bytes ?? Number.NaN,
  });
  await sql.close();
} finally {
  await under.dispose();
}
