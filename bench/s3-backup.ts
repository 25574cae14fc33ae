// A full backup to S3 through the daemon, beside `mariadb-backup | zstd | upload` typed into a shell; with two sizes, and the
// daemon's memory after each.
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { findTool } from '../src/engine/mariadb/tools.ts';
import { startWithBucket } from './bucket.ts';
import { fill } from './daemon.ts';
import { compare, numberOption } from './measure.ts';

const sizes = [numberOption('small', 250), numberOption('large', 1000)];
const rounds = numberOption('rounds', 5);
const bucket = await startWithBucket({ megabytes: numberOption('per-connection', 0) });
const { under, s3 } = bucket;
try {
  const peaks: string[] = [];
  let filled = 0;
  for (const megabytes of sizes) {
    const sql = await under.connect();
    await fill(sql, megabytes - filled, `bulk_${megabytes}`);
    await sql.close();
    filled = megabytes;
    const key = 'by-hand/data.xbstream.zst';
    const backup = `'${findTool('mariadb-backup')}' --defaults-file='${under.clientFile}' --backup --datadir='${under.datadir}' --stream=mbstream`;
    const pipe = `${backup} | '${findTool('zstd')}' -1 -q | ${bucket.plain('upload', key)}`;
    console.log(
      `Full backup of ${megabytes} MB to S3:  skybackup  |  mariadb-backup --stream=mbstream | zstd -1 | lib-storage Upload  |  ratio`,
    );
    await compare(
      {
        name: 'through the daemon, hashed, read back and published',
        run: async () => {
          const since = performance.now();
          const id = await under.backup();
          const took = performance.now() - since;
          await under.api.daemon?.deleteBackup(id).catch(() => {});
          return took;
        },
      },
      {
        name: 'by hand',
        run: async () => {
          const since = performance.now();
          await execa('bash', ['-o', 'pipefail', '-c', pipe], { env: bucket.env });
          const took = performance.now() - since;
          await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key }));
          return took;
        },
      },
      rounds,
      1.15,
    );
    peaks.push(`${under.peakMiB().toFixed(0)} MiB after ${megabytes} MB`);
  }
  console.log(`  daemon's peak resident memory: ${peaks.join(', ')} (aim: under 250, whatever the size)`);
} finally {
  await bucket.dispose();
}
