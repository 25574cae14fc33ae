// A dump through the daemon, beside the same pipe typed into a shell.
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
  const options =
    '--all-databases --ignore-database=mysql --single-transaction --routines --triggers --events --hex-blob --master-data=2';
  await besidePipe(under, {
    title: `Dump of ${megabytes} MB:  skybackup  |  mariadb-dump | zstd -1 > file`,
    name: 'through the daemon, accounts added, hashed and published',
    rounds,
    run: async () => {
      const since = performance.now();
      await under.backup('dump');
      return performance.now() - since;
    },
    command: () => `'${findTool('mariadb-dump')}' --defaults-file='${under.clientFile}' ${options}`,
  });
} finally {
  await under.dispose();
}
