// A restore to a transaction through the daemon (checked, proven, swapped), beside the same steps typed into a shell.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startByHand } from './by-hand-server.ts';
import { fill, startDaemon } from './daemon.ts';
import { removeKept } from './kept-data.ts';
import { compare, numberOption } from './measure.ts';

const megabytes = numberOption('mb', 200);
const rounds = numberOption('rounds', 5);
const transactions = numberOption('transactions', 5000);
const under = await startDaemon();
const byHand = await startByHand(join(under.sandbox.root, 'by-hand'));
try {
  const sql = await under.connect();
  await fill(sql, megabytes);
  const full = await under.backup();
  await sql.query('CREATE TABLE bench.small (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100)) ENGINE=InnoDB');
  await sql.query(
    `FOR i IN 1..${transactions} DO
       INSERT INTO bench.small (v) SELECT SHA2(CONCAT(i, '-', seq), 256) FROM seq_1_to_10;
     END FOR`,
  );
  const [row] = await sql.query<{ position: string }>('SELECT @@gtid_binlog_pos AS position');
  const until = row?.position ?? '';
  await sql.close();
  const archived = await under.backup('binarylog');

  const folder = (id: string): string =>
    join(under.sandbox.settings.home.repository, 'v1', under.service, id.split(':')[0] ?? '');
  const logs = {
    files: readdirSync(folder(archived))
      .filter((name) => name.endsWith('.zst'))
      .sort()
      .map((name) => join(folder(archived), name)),
    from: (await under.api.getBackup(full)).binlog_gtid_position ?? '',
    until,
    login: under.clientFile,
  };
  console.log(
    `Restore of ${megabytes} MB and ${transactions} transactions after it:  skybackup  |  zstd -d | mbstream -x; prepare; stop; mv; start; mariadb-binlog | mariadb  |  ratio`,
  );
  await compare(
    {
      name: 'through the daemon, from the request to the service that answers',
      run: async () => {
        const since = performance.now();
        await under.restore(full, until);
        const took = performance.now() - since;
        await under.beQuiet();
        removeKept(under.datadir);
        return took;
      },
    },
    { name: 'by hand', run: () => byHand.restore(join(folder(full), 'data.xbstream.zst'), [], logs) },
    rounds,
    1.25,
  );
  console.log(`  daemon's peak resident memory ${under.peakMiB().toFixed(0)} MiB (aim: under 250)`);
} finally {
  await byHand.stop();
  await under.dispose();
}
