// A full backup through the daemon, beside the same pipe typed into a shell.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../src/engine/mariadb/tools.ts';
import { besidePipe } from './beside-pipe.ts';
import { fill, startDaemon } from './daemon.ts';
import { numberOption } from './measure.ts';

const megabytes = numberOption('mb', 500);
const rounds = numberOption('rounds', 5);
const under = await startDaemon();
try {
  const sql = await under.connect();
  await fill(sql, megabytes);
  await sql.close();
  const { home } = under.sandbox.settings;
  let id = '';
  await besidePipe(under, {
    title: `Full backup of ${megabytes} MB:  skybackup  |  mariadb-backup --stream=mbstream | zstd -1 > file`,
    name: 'through the daemon, hashed and published',
    rounds,
    run: async () => {
      const since = performance.now();
      id = await under.backup();
      return performance.now() - since;
    },
    command: () =>
      `'${findTool('mariadb-backup')}' --defaults-file='${under.clientFile}' --backup --datadir='${under.datadir}' --stream=mbstream`,
    bytes: () => statSync(join(home.repository, 'v1', under.service, id.split(':')[0] ?? '', 'data.xbstream.zst')).size,
  });
} finally {
  await under.dispose();
}
