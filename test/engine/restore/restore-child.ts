/**
 * A process of its own that runs one restore, to be killed: `node restore-child.ts <request.json>`. Says `reached` once the
 * phase or step named in the request is there; after a step it then waits for its end.
 */
import { createReadStream, readFileSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { homeOf } from '../../../src/contract/home.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import type { Manifest } from '../../../src/engine/repository/manifest.ts';
import { restoreBackup } from '../../../src/engine/restore/restore.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { sampleRepository } from './sample-backup.ts';

export interface ChildRequest {
  root: string;
  restoreId: number;
  newIncarnation: string;
  target: ServiceRecord;
  manifest: Manifest;
  file: string;
  until: string;
  /** The user to be; everything is loaded before. */
  uid?: number;
}

const request = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ChildRequest;

function reached(): void {
  writeSync(1, 'reached\n');
}

function forEver(): Promise<never> {
  setInterval(() => {}, 60_000);
  return new Promise(() => {});
}

/** Half of the backup, and then no more: the tools that unpack it wait. */
async function* halfABackup(): AsyncGenerator<Buffer> {
  const content = readFileSync(request.file);
  yield content.subarray(0, content.length / 2);
  reached();
  await forEver();
}

const repository = sampleRepository({ manifest: request.manifest, file: request.file }, () =>
  request.until === 'materialising' ? Readable.from(halfABackup()) : createReadStream(request.file),
);

if (request.uid !== undefined) {
  // What is loaded at the first connection only may lie where that user cannot read.
  await (await connect(request.target.connection)).close();
  process.setgroups?.([]);
  process.setgid?.(request.uid);
  process.setuid?.(request.uid);
}

await restoreBackup(
  {
    restoreId: request.restoreId,
    target: request.target,
    source: { backups: [request.manifest] },
    repository,
    home: homeOf({ SKYBACKUP_HOME: request.root }),
    newIncarnation: request.newIncarnation,
    highestGtids: '',
    beforeSwap: () => {},
  },
  {
    signal: new AbortController().signal,
    phase: (name) => {
      if (name === request.until && name !== 'materialising') reached();
    },
    progress: () => {},
    warn: () => {},
  },
  {
    afterStep: async (step) => {
      if (step !== request.until) return;
      reached();
      await forEver();
    },
  },
);
