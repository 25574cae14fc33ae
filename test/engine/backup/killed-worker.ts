/** Run as a process of its own by killed-worker.test.ts, which kills it: takes one backup and says its phases. */

import { takeFullBackup } from '../../../src/engine/backup/full.ts';
import { sweepWorkDirectories } from '../../../src/engine/backup/work-directory.ts';
import { openRepository } from '../../../src/engine/repository/open.ts';
import { localDirectory } from '../../../src/engine/storage/local-directory.ts';
import { backupId, noLineage } from './backup-world.ts';

const [socket = '', datadir = '', repository = ''] = process.argv.slice(2);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
await sweepWorkDirectories();
await takeFullBackup(
  {
    service: {
      id: 'shop',
      name: 'shop',
      control: { kind: 'none' },
      connection: { socket, user: 'root' },
      datadir,
      incarnation: 'first',
      created_at: '2026-11-22T00:00:00Z',
    },
    backupId: backupId(),
    repository: openRepository(localDirectory(repository)),
    lineage: noLineage,
    beforePublish: () => {},
  },
  { signal: new AbortController().signal, phase: say, progress: () => {}, warn: say },
);
